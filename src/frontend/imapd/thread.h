#pragma once
// THREAD: RFC 5256 3, ORDEREDSUBJECT and REFERENCES (grammar/message/threading.h).
//
// Threads are made of all messages at once, so all have to be in memory: some 200 bytes a message, and 8 for each that it refers to,
// kMaxThreadReferences of these in all. What comes after these is a message's parent alone.

#include <string>
#include <vector>

#include "frontend/imapd/heading.h"
#include "frontend/imapd/search.h"
#include "grammar/imap/command.h"

namespace godwit::imapd {

inline constexpr std::size_t kMaxThreadReferences = 4 * 1024 * 1024;

// "(2)(3 6 (4 23))" for `uids` (ascending, as search() found them), as UIDs or as message numbers; "" for none. Those that are gone
// meanwhile are left out. A message that cannot be read is a thread of its own. Errors as search().
Task<Result<std::string>> thread(Searching searching, imap::Thread::Algorithm algorithm, std::vector<mailbox::Uid> uids, bool uid);

}  // namespace godwit::imapd
