-- What was asked for stays as it was asked for; a decision is made once. Approvals are never deleted.
CREATE FUNCTION compliance_keep_approval() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'UPDATE' THEN
        RAISE EXCEPTION 'approvals are never deleted' USING ERRCODE = 'PM001';
    ELSIF (NEW.id, NEW.kind, NEW.key, NEW.player_id, NEW.subject, NEW.content, NEW.before, NEW.after, NEW.digest,
           NEW.comment, NEW.requested_by, NEW.requested_at, NEW.expires_at)
       IS DISTINCT FROM
          (OLD.id, OLD.kind, OLD.key, OLD.player_id, OLD.subject, OLD.content, OLD.before, OLD.after, OLD.digest,
           OLD.comment, OLD.requested_by, OLD.requested_at, OLD.expires_at) THEN
        RAISE EXCEPTION 'what approval % asks for cannot be changed', OLD.id USING ERRCODE = 'PM001';
    ELSIF OLD.state <> 'requested' THEN
        RAISE EXCEPTION 'approval % was decided before', OLD.id USING ERRCODE = 'PM001';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER keep_approval BEFORE UPDATE OR DELETE ON compliance_approval
    FOR EACH ROW EXECUTE FUNCTION compliance_keep_approval();
CREATE TRIGGER keep_approvals BEFORE TRUNCATE ON compliance_approval
    FOR EACH STATEMENT EXECUTE FUNCTION compliance_keep_approval();
