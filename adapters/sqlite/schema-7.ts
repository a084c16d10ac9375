/**
 * What all keys together used, by day and model, so that a report adds up days and not keys. Triggers keep it what the rows of
 * `usage_days` add up to, whoever adds rows, changes their counts or deletes them; rows are not moved to other days or models.
 */
export const SCHEMA_7 = `
CREATE TABLE usage_sums (
  day TEXT NOT NULL,
  model TEXT NOT NULL,
  -- Of usage_days.
  rows INTEGER NOT NULL CHECK (rows >= 0),
  requests INTEGER NOT NULL CHECK (requests >= 0),
  successes INTEGER NOT NULL CHECK (successes >= 0),
  errors INTEGER NOT NULL CHECK (errors >= 0),
  rejections INTEGER NOT NULL CHECK (rejections >= 0),
  prompt_tokens INTEGER NOT NULL CHECK (prompt_tokens >= 0),
  completion_tokens INTEGER NOT NULL CHECK (completion_tokens >= 0),
  cached_tokens INTEGER NOT NULL CHECK (cached_tokens >= 0),
  cost_micros INTEGER NOT NULL CHECK (cost_micros >= 0),
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (day, model)
) STRICT, WITHOUT ROWID;

INSERT INTO usage_sums
SELECT day, model, count(*), sum(requests), sum(successes), sum(errors), sum(rejections), sum(prompt_tokens),
  sum(completion_tokens), sum(cached_tokens), sum(cost_micros), max(updated_at)
FROM usage_days GROUP BY day, model;

CREATE TRIGGER usage_day_added AFTER INSERT ON usage_days
BEGIN
  INSERT INTO usage_sums
  VALUES (NEW.day, NEW.model, 1, NEW.requests, NEW.successes, NEW.errors, NEW.rejections, NEW.prompt_tokens,
    NEW.completion_tokens, NEW.cached_tokens, NEW.cost_micros, NEW.updated_at)
  ON CONFLICT DO UPDATE SET
    rows = rows + 1,
    requests = requests + excluded.requests,
    successes = successes + excluded.successes,
    errors = errors + excluded.errors,
    rejections = rejections + excluded.rejections,
    prompt_tokens = prompt_tokens + excluded.prompt_tokens,
    completion_tokens = completion_tokens + excluded.completion_tokens,
    cached_tokens = cached_tokens + excluded.cached_tokens,
    cost_micros = cost_micros + excluded.cost_micros,
    updated_at = max(updated_at, excluded.updated_at);
END;

CREATE TRIGGER usage_day_changed AFTER UPDATE ON usage_days
BEGIN
  UPDATE usage_sums SET
    requests = requests + NEW.requests - OLD.requests,
    successes = successes + NEW.successes - OLD.successes,
    errors = errors + NEW.errors - OLD.errors,
    rejections = rejections + NEW.rejections - OLD.rejections,
    prompt_tokens = prompt_tokens + NEW.prompt_tokens - OLD.prompt_tokens,
    completion_tokens = completion_tokens + NEW.completion_tokens - OLD.completion_tokens,
    cached_tokens = cached_tokens + NEW.cached_tokens - OLD.cached_tokens,
    cost_micros = cost_micros + NEW.cost_micros - OLD.cost_micros,
    updated_at = max(updated_at, NEW.updated_at)
  WHERE day = NEW.day AND model = NEW.model;
END;

CREATE TRIGGER usage_day_removed AFTER DELETE ON usage_days
BEGIN
  UPDATE usage_sums SET
    rows = rows - 1,
    requests = requests - OLD.requests,
    successes = successes - OLD.successes,
    errors = errors - OLD.errors,
    rejections = rejections - OLD.rejections,
    prompt_tokens = prompt_tokens - OLD.prompt_tokens,
    completion_tokens = completion_tokens - OLD.completion_tokens,
    cached_tokens = cached_tokens - OLD.cached_tokens,
    cost_micros = cost_micros - OLD.cost_micros
  WHERE day = OLD.day AND model = OLD.model;
END;
`;
