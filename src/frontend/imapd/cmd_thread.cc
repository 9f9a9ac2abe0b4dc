#include "frontend/imapd/search_command.h"
#include "frontend/imapd/session.h"
#include "frontend/imapd/thread.h"

namespace godwit::imapd {

// RFC 5256 3
Task<Reply> Session::cmd(imap::Thread command) {
  if (names_keywords(command.key)) co_await refresh_keywords();
  Searching where = searching();
  auto found = co_await search(where, std::move(command.key), std::move(command.charset));
  if (!found) co_return search_failed(found.error(), std::nullopt, *selected_);
  if (found->used_modseq) enable_condstore();  // RFC 7162 3.1
  const auto threads = co_await thread(std::move(where), command.algorithm, std::move(found->uids), command.uid);
  if (!threads) co_return reply_to(threads.error());
  out_.untagged(threads->empty() ? "THREAD" : "THREAD " + *threads);
  co_return Reply::ok("Threaded");
}

}  // namespace godwit::imapd
