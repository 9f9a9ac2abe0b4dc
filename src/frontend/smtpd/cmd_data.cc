#include <algorithm>

#include "base/log.h"
#include "frontend/smtpd/reply_text.h"
#include "frontend/smtpd/session.h"

namespace godwit::smtpd {

// RFC 5321 4.1.1.4. The reply to the end of the message is intake's: 250 when it is on stable storage.
Task<Session::Reply> Session::cmd_data(std::string_view arguments) {
  if (!transaction_) co_return replies::mail_first();
  if (const auto nothing = smtp::parse_nothing(arguments); !nothing) co_return nothing.error().reply();
  auto go_ahead = transaction_->begin_body();
  if (!go_ahead.intermediate()) co_return go_ahead;
  answer(std::move(go_ahead), "DATA");
  if (!co_await flush()) co_return replies::silence();

  smtp::DataReader body;
  const auto ended = co_await read_body(body);
  const auto transaction = std::move(transaction_);  // over, whichever way it went
  if (!ended) co_return explain_loss(ended.error());
  if (body.violation() == smtp::Violation::nul) co_return replies::forbidden_nul(body.violation_at());
  if (body.violation() != smtp::Violation::none) co_return replies::forbidden_bytes(body.violation(), body.violation_at());
  auto reply = co_await transaction->commit();
  if (reply.positive()) ++messages_;
  co_return reply;
}

// Until <CRLF>.<CRLF>, or until the client's time is up: without a byte, in all, or at a rate that only holds a place.
Task<Result<void>> Session::read_body(smtp::DataReader& body) {
  const Clock& clock = context_.clock;
  const SteadyTime started = clock.steady();
  Duration waited(0);  // for the client; the time that our own disk takes is not its fault
  while (!body.finished()) {
    const SteadyTime before = clock.steady();
    const Duration left = settings_->data_total - std::chrono::duration_cast<Duration>(before - started);
    if (left <= Duration(0)) co_return fail(Error::temporary(Error::Cause::timed_out, "the message took too long in all"));
    if (cut_) co_return fail(Error::temporary(Error::Cause::cancelled, "the server is stopping"));
    const auto chunk = co_await reader_.read_some(*stream_, std::min(settings_->data_timeout, left));
    if (!chunk) co_return fail(chunk.error());
    if (chunk->empty()) co_return fail(Error::temporary(Error::Cause::closed, "the client left within a message"));
    waited += std::chrono::duration_cast<Duration>(clock.steady() - before);
    co_await take_chunk(body, *chunk);
    const auto counted = std::max<std::int64_t>((waited - settings_->data_grace).count(), 0) / 1'000;
    if (!body.finished() && body.size() < settings_->data_minimum_rate * static_cast<std::uint64_t>(counted)) {
      co_return fail(Error::temporary(Error::Cause::limit, "the message comes too slowly"));
    }
  }
  co_return Result<void>{};
}

// After the first fault the rest is read and dropped, so that the refusal answers the message and not half of it.
Task<> Session::take_chunk(smtp::DataReader& body, std::string_view chunk) {
  std::size_t used = 0;
  while (used < chunk.size() && !body.finished()) {
    const auto piece = body.next(chunk.substr(used));
    used += piece.consumed;
    const bool wanted = body.violation() == smtp::Violation::none && !transaction_->failed();
    if (wanted && !piece.bytes.empty()) co_await transaction_->append(piece.bytes);
  }
  reader_.consume(used);
}

Session::Reply Session::explain_loss(const Error& error) {
  log::info("message_lost_in_data", {{"session", id_}, {"peer", remote_.address.text()}, {"error", error.text}});
  closing_ = true;
  if (error.cause == Error::Cause::timed_out) return replies::timed_out();
  if (error.cause == Error::Cause::limit) return replies::too_slow();
  if (error.cause == Error::Cause::cancelled) return replies::shutting_down(settings_->hostname);
  return replies::silence();
}

}  // namespace godwit::smtpd
