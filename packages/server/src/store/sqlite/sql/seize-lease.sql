UPDATE leases
SET owner = :owner, until_ms = :until_ms
WHERE project = :project AND response_id = :response_id
