UPDATE leases
SET until_ms = :until_ms
WHERE owner = :owner
