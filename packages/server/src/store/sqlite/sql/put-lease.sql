INSERT INTO leases (project, response_id, owner, until_ms)
VALUES (:project, :response_id, :owner, :until_ms)
