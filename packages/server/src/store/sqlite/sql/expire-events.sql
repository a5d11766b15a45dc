DELETE FROM response_events
WHERE created_at < :before
  AND NOT EXISTS (
    SELECT 1
    FROM leases
    WHERE leases.project = response_events.project AND leases.response_id = response_events.response_id
  )
