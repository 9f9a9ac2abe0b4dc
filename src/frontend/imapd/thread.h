#pragma once
// THREAD: RFC 5256 3, ORDEREDSUBJECT and REFERENCES (grammar/message/threading.h).
//
// Threads are made of all messages at once, so all have to be in memory: some 300 bytes a message with its subject, and the msg-ids that it
// refers to, kMaxThreadReferences bytes of these in all. What comes after these is a message's parent alone.

#include <string>
#include <vector>

#include "frontend/imapd/search.h"
#include "grammar/imap/command.h"

namespace godwit::imapd {

inline constexpr std::size_t kMaxThreadReferences = 64 * 1024 * 1024;
inline constexpr std::size_t kMaxThreadSubject = 1'000;  // bytes of a subject, raw

// "(2)(3 6 (4 23))" for `uids` (ascending, as search() found them), as UIDs or as message numbers; "" for none. Those that are gone
// meanwhile are left out. A message that cannot be read is a thread of its own. Errors as search().
Task<Result<std::string>> thread(Searching searching, imap::Thread::Algorithm algorithm, std::vector<mailbox::Uid> uids, bool uid);

}  // namespace godwit::imapd
