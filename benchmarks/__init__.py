"""Where the README's figures come from: `make bench`. Ratios are measured side by side in one run; targets are printed, never asserted."""
