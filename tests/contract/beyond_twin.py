"""What the twin of the store (tests/twins) is not asked to do, and why."""

from __future__ import annotations

from collections.abc import Mapping

SQL = "looks at, plants or breaks rows with SQL"
ENCODING = "is about what a database can hold; the twin holds the values themselves"
ROOM = "is about how much is kept; a simulation keeps little"
THREADS = "is about threads and overlapping transactions; the twin's come one after the other"

FILES: Mapping[str, str] = {
    "test_store_together": THREADS,
    "test_store_paths": SQL,
    "test_store_retention": "is about forgetting; a simulation is over before anything is old",
}

BEYOND_TWIN: Mapping[str, str] = {
    "test_a_text_is_kept_for_its_owner_until_it_expires": ENCODING,
    "test_an_expired_text_leaves_only_when_nobody_leads": SQL,
    "test_hits_and_size_are_written_down": SQL,
    "test_when_rows_run_out_the_longest_unused_go": ROOM,
    "test_when_bytes_run_out_the_longest_unused_go": ROOM,
    "test_a_text_too_large_for_the_room_is_not_kept_and_costs_no_other": ROOM,
    "test_the_bounds_hold_however_many_come": ROOM,
    "test_a_full_cache_is_as_quick_as_an_empty_one": ROOM,
    "test_a_code_names_one_offer_and_an_offer_has_a_task": SQL,
    "test_a_task_takes_what_belongs_to_it_along": SQL,
    "test_a_row_knows_whose_it_is": SQL,
    "test_what_no_database_can_hold_becomes_a_replacement_character": ENCODING,
    "test_a_conflict_runs_the_work_again": THREADS,
    "test_a_task_that_is_not_what_was_locked_is_a_conflict": SQL,
    "test_a_bug_passes_through_and_is_not_repeated": SQL,
    "test_a_conflict_that_stays_is_the_database_being_down": THREADS,
    "test_a_commit_whose_confirmation_was_lost_is_found_when_asked_again": SQL,
    "test_every_field_of_a_task_comes_back": ENCODING,
    "test_nodes_that_arrive_are_added_behind_those_that_run": SQL,
    "test_the_children_of_a_list_are_rows_like_any": SQL,
    "test_a_lost_critical_subtask_brings_the_task_back_to_its_planner": SQL,
    "test_whatever_a_server_claims_can_be_written_down": ENCODING,
    "test_words_change_with_everything_else_in_one_turn": ENCODING,
    "test_words_are_written_only_when_they_change": SQL,
    "test_an_edited_update_says_something_else": ENCODING,
    "test_updates_learn_whose_they_are_whenever_the_task_is_added": SQL,
    "test_another_installation_leads_its_own": SQL,
    "test_cursors_are_told_by_chat_or_by_thread": SQL,
    "test_another_installations_people_are_not_ours": SQL,
    "test_a_boastful_worker_does_not_break_the_row": ENCODING,
    "test_times_are_utc_to_the_microsecond_from_any_zone": ENCODING,
    "test_a_letter_is_kept_whole_and_listed_without_its_body": ENCODING,
    "test_no_more_are_kept_than_there_is_room_for": ROOM,
    "test_of_many_the_newest_are_measured": ROOM,
    "test_a_schedule_comes_back_whole": ENCODING,
    "test_what_changed_is_saved": ENCODING,
    "test_whoever_is_cancelled_leaves_a_whole_transaction_behind": THREADS,
}
