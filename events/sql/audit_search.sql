-- Records of a role. Roles are few and most records have one of the common ones: only rare roles are looked up here.
CREATE INDEX events_auditrecord_roles ON events_auditrecord USING gin (actor_roles);

-- A text of foreign origin as a field of a CSV file: spreadsheets take what begins like this for a formula.
CREATE FUNCTION events_csv_text(p_text text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN p_text ~ '^[=+@\t\r-]' THEN '''' || p_text ELSE p_text END
$$;
