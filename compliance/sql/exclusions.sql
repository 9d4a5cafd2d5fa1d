-- What a register answered is evidence; what somebody chose when they excluded themselves is too.
CALL kernel_make_append_only('compliance_registercheck');

CREATE FUNCTION compliance_keep_exclusion() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'UPDATE' THEN
        RAISE EXCEPTION 'exclusions are never deleted' USING ERRCODE = 'PM001';
    ELSIF (NEW.id, NEW.player_id, NEW.kind, NEW.term, NEW.reason, NEW.ground, NEW.pack, NEW.imposed_by, NEW.restriction_id,
           NEW.active_from, NEW.minimum_until, NEW.active_until, NEW.register, NEW.reply_id, NEW.close_due_at)
       IS DISTINCT FROM
          (OLD.id, OLD.player_id, OLD.kind, OLD.term, OLD.reason, OLD.ground, OLD.pack, OLD.imposed_by, OLD.restriction_id,
           OLD.active_from, OLD.minimum_until, OLD.active_until, OLD.register, OLD.reply_id, OLD.close_due_at) THEN
        RAISE EXCEPTION 'what exclusion % says cannot be changed', OLD.id USING ERRCODE = 'PM001';
    ELSIF OLD.ended_at IS NOT NULL AND NEW.ended_at IS DISTINCT FROM OLD.ended_at THEN
        RAISE EXCEPTION 'exclusion % ended before', OLD.id USING ERRCODE = 'PM001';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER keep_exclusion BEFORE UPDATE OR DELETE ON compliance_exclusion
    FOR EACH ROW EXECUTE FUNCTION compliance_keep_exclusion();
CREATE TRIGGER keep_exclusions BEFORE TRUNCATE ON compliance_exclusion
    FOR EACH STATEMENT EXECUTE FUNCTION compliance_keep_exclusion();
