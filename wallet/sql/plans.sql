-- How the posting functions are planned: once per session and statement, and never with a scan of a whole table.
--
-- Left to itself PostgreSQL plans many of their statements anew at each call, because a plan for one known month looks
-- cheaper than one for all of them; planning then costs more than running. A plan made while the tables were nearly
-- empty would read them whole, for as long as the session lives: all they read has an index.

-- Called by every migration that makes or replaces such functions, at its end.
CREATE OR REPLACE PROCEDURE wallet_keep_plans() LANGUAGE plpgsql AS $$
DECLARE
    posting regprocedure;
BEGIN
    FOR posting IN SELECT oid FROM pg_proc WHERE prosecdef AND starts_with(proname, 'wallet_') LOOP
        EXECUTE format('ALTER FUNCTION %s SET plan_cache_mode = force_generic_plan SET enable_seqscan = off', posting);
    END LOOP;
END
$$;
CALL wallet_keep_plans();
