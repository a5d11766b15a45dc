UPDATE leases
SET owner = :owner, until_ms = :until_ms
WHERE until_ms < :now_ms
RETURNING project, response_id AS id
