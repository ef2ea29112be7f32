-- The least that taking a delivery in can be: a row of its size under an id that is unique for ever, and a commit.
\set sequence :sequence + 1
INSERT INTO least_deliveries (id, payload)
VALUES ('evt_' || :client_id || '_' || :sequence, repeat('x', :bytes))
ON CONFLICT DO NOTHING;
