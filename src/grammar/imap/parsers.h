#pragma once
// The parsers of the commands, a file a family, and what they share. For command.cc and command_reader.cc alone.
// Each begins behind the command's name and reads up to its last argument; parse_command sees that nothing follows.

#include <string>
#include <vector>

#include "base/result.h"
#include "grammar/imap/command.h"
#include "grammar/imap/cursor.h"

namespace godwit::imap {

// `uid`: the command stood behind "UID".
using Parser = Result<Request> (*)(Cursor& cursor, bool uid);

// command_auth.cc
Result<Request> parse_authenticate(Cursor& cursor, bool uid);
Result<Request> parse_login(Cursor& cursor, bool uid);
Result<Request> parse_enable(Cursor& cursor, bool uid);
Result<Request> parse_id(Cursor& cursor, bool uid);
Result<Request> parse_compress(Cursor& cursor, bool uid);

// command_mailbox.cc
Result<Request> parse_select(Cursor& cursor, bool uid);
Result<Request> parse_examine(Cursor& cursor, bool uid);
Result<Request> parse_create(Cursor& cursor, bool uid);
Result<Request> parse_delete(Cursor& cursor, bool uid);
Result<Request> parse_rename(Cursor& cursor, bool uid);
Result<Request> parse_subscribe(Cursor& cursor, bool uid);
Result<Request> parse_unsubscribe(Cursor& cursor, bool uid);
Result<Request> parse_status(Cursor& cursor, bool uid);

// command_quota.cc
Result<Request> parse_get_quota(Cursor& cursor, bool uid);
Result<Request> parse_get_quota_root(Cursor& cursor, bool uid);
Result<Request> parse_set_quota(Cursor& cursor, bool uid);

// command_list.cc
Result<Request> parse_list(Cursor& cursor, bool uid);
Result<Request> parse_lsub(Cursor& cursor, bool uid);
Result<Request> parse_xlist(Cursor& cursor, bool uid);

// command_append.cc
Result<Request> parse_append(Cursor& cursor, bool uid);
// From the space in front of a message up to its literal; behind that stands ")" if it is `utf8`.
Result<AppendMessage> parse_append_message(Cursor& cursor);

// command_fetch.cc
Result<Request> parse_fetch(Cursor& cursor, bool uid);

// command_store.cc
Result<Request> parse_store(Cursor& cursor, bool uid);
Result<Request> parse_copy(Cursor& cursor, bool uid);
Result<Request> parse_move(Cursor& cursor, bool uid);
Result<Request> parse_expunge(Cursor& cursor, bool uid);
Result<> parse_flag(Cursor& cursor, Flags& flags);
Result<Flags> parse_flag_list(Cursor& cursor);  // in parentheses

// command_search.cc
Result<Request> parse_search(Cursor& cursor, bool uid);
// " RETURN (...)" if it is there.
Result<std::optional<ReturnOptions>> parse_return_options(Cursor& cursor);

// search_program.cc
// From the space in front of the first key to the end of the text; several keys are a conjunction.
Result<SearchKey> parse_search_keys(Cursor& cursor);

// command_sort.cc
Result<Request> parse_sort(Cursor& cursor, bool uid);
Result<Request> parse_thread(Cursor& cursor, bool uid);

// command_mailbox.cc: "(MESSAGES UIDNEXT)", at least one, each kept once.
Result<std::vector<StatusItem>> parse_status_items(Cursor& cursor);

}  // namespace godwit::imap
