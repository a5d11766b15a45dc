-- One row a response: the items that its request added and the response itself, never the history.
-- A chain is followed through parent_id. The small columns stand first: a walk along a chain then reads no long ones.
CREATE TABLE responses (
  project TEXT NOT NULL,
  id TEXT NOT NULL,
  parent_id TEXT,
  created_at BIGINT NOT NULL,
  input TEXT NOT NULL,
  response TEXT NOT NULL,
  PRIMARY KEY (project, id)
);
