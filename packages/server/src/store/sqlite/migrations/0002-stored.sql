-- Retention drops a chain as a whole, by the age of its newest response: every response knows the root of its chain.
-- The table is made anew so that the small columns stand first.
CREATE TABLE responses_with_chain (
  project TEXT NOT NULL,
  id TEXT NOT NULL,
  parent_id TEXT,
  chain_id TEXT NOT NULL,
  conversation_id TEXT,
  conversation_position BIGINT,
  created_at BIGINT NOT NULL,
  input TEXT NOT NULL,
  response TEXT NOT NULL,
  PRIMARY KEY (project, id)
);

WITH RECURSIVE roots (project, id, chain_id) AS (
  SELECT project, id, id
  FROM responses AS root
  WHERE parent_id IS NULL
    OR NOT EXISTS (SELECT 1 FROM responses WHERE project = root.project AND id = root.parent_id)
  UNION
  SELECT child.project, child.id, roots.chain_id
  FROM roots
  JOIN responses AS child ON child.project = roots.project AND child.parent_id = roots.id
)
INSERT INTO responses_with_chain (project, id, parent_id, chain_id, created_at, input, response)
SELECT responses.project, responses.id, parent_id, roots.chain_id, created_at, input, response
FROM responses
JOIN roots ON roots.project = responses.project AND roots.id = responses.id;

DROP TABLE responses;
ALTER TABLE responses_with_chain RENAME TO responses;
CREATE INDEX responses_by_chain ON responses (project, chain_id, created_at);

-- Which response holds an item, for `item_reference`.
CREATE TABLE response_items (
  project TEXT NOT NULL,
  id TEXT NOT NULL,
  response_id TEXT NOT NULL,
  PRIMARY KEY (project, id, response_id),
  FOREIGN KEY (project, response_id) REFERENCES responses (project, id) ON DELETE CASCADE
);
CREATE INDEX response_items_by_response ON response_items (project, response_id);

-- A row here: the response runs in the background, and its owner is believed until then.
CREATE TABLE leases (
  project TEXT NOT NULL,
  response_id TEXT NOT NULL,
  owner TEXT NOT NULL,
  until_ms BIGINT NOT NULL,
  PRIMARY KEY (project, response_id),
  FOREIGN KEY (project, response_id) REFERENCES responses (project, id) ON DELETE CASCADE
);
CREATE INDEX leases_by_time ON leases (until_ms);
CREATE INDEX leases_by_owner ON leases (owner);

-- What a background response has sent, one row for each batch.
CREATE TABLE response_events (
  project TEXT NOT NULL,
  response_id TEXT NOT NULL,
  last_number BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  events TEXT NOT NULL,
  PRIMARY KEY (project, response_id, last_number),
  FOREIGN KEY (project, response_id) REFERENCES responses (project, id) ON DELETE CASCADE
);
CREATE INDEX response_events_by_time ON response_events (created_at);

-- `position` grows with every change, so that a writer sees whether somebody else was faster.
CREATE TABLE conversations (
  project TEXT NOT NULL,
  id TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  deleted_at BIGINT,
  position BIGINT NOT NULL,
  metadata TEXT NOT NULL,
  PRIMARY KEY (project, id)
);

CREATE TABLE conversation_items (
  project TEXT NOT NULL,
  conversation_id TEXT NOT NULL,
  position BIGINT NOT NULL,
  id TEXT NOT NULL,
  item TEXT NOT NULL,
  PRIMARY KEY (project, conversation_id, position),
  FOREIGN KEY (project, conversation_id) REFERENCES conversations (project, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX conversation_items_by_id ON conversation_items (project, id, conversation_id);
