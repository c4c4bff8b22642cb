-- A retirement asks again and again whether anything of a service is left.
create index deployment_of_service on deployment (service_id) where state <> 'retired';
