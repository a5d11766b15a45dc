INSERT INTO response_events (project, response_id, last_number, created_at, events)
VALUES (:project, :response_id, :last_number, :created_at, :events)
