#include <algorithm>

#include "frontend/imapd/session.h"

namespace godwit::imapd {

// RFC 9051 6.3.13. Whoever changes the account wakes the session (on_change); its client hears at once.
Task<Reply> Session::cmd(imap::Idle /*command*/) {
  out_.buffer() += "+ idling\r\n";
  idling_ = true;
  const Result<void> ended = co_await idle();
  idling_ = false;
  if (!ended) {
    explain_line(ended.error());
    co_return Reply::ok("Idled");
  }
  if (closing_) co_return Reply::ok("Idled");
  const Line line = co_await next_line();
  if (!line) {
    explain_line(line.error());
    co_return Reply::bad("DONE was expected");
  }
  if (!imap::is_done(*line)) co_return Reply::bad("DONE was expected");
  co_return Reply::ok("Idled");
}

// Until the client says something.
Task<Result<void>> Session::idle() {
  const SteadyTime until = context_.clock.steady() + settings_->idle_timeout;
  while (!closing_) {
    news_ = false;
    co_await tell_news(Expunges::tell);
    co_await out_.flush();
    if (out_.broken()) co_return fail(Error::temporary(Error::Cause::closed, "the connection is lost"));
    if (closing_ || reader_.buffered()) break;
    if (news_) continue;
    if (stopping_) co_return fail(Error::temporary(Error::Cause::cancelled, "the server is stopping"));
    const auto left = std::chrono::duration_cast<Duration>(until - context_.clock.steady());
    if (left <= Duration(0)) co_return fail(Error::temporary(Error::Cause::timed_out, "no sign of life in IDLE"));
    waiting_ = true;
    const auto readable = co_await stream_->wait_readable(std::min(settings_->idle_news, left));
    waiting_ = false;
    if (readable) break;
    const bool silent = readable.error().cause == Error::Cause::timed_out;
    if (!silent && readable.error().cause != Error::Cause::cancelled) co_return readable;
    if (silent && context_.clock.steady() < until) out_.untagged("OK Still here");
  }
  co_return Result<void>{};
}

}  // namespace godwit::imapd
