INSERT INTO conversations (project, id, created_at, position, metadata)
VALUES (:project, :id, :created_at, :position, :metadata)
