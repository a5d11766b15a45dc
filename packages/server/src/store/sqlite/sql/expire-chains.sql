-- Whole chains, those used longest ago first, but none of which a response runs.
DELETE FROM responses
WHERE (project, chain_id) IN (
  SELECT project, chain_id
  FROM responses
  GROUP BY project, chain_id
  HAVING MAX(created_at) < :before
    AND NOT EXISTS (
      SELECT 1
      FROM leases
      JOIN responses AS running ON running.project = leases.project AND running.id = leases.response_id
      WHERE running.project = responses.project AND running.chain_id = responses.chain_id
    )
  ORDER BY MAX(created_at)
  LIMIT :chains
)
RETURNING id
