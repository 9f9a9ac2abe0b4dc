// submit.sock: envelope, a reply, the message, a reply (grammar/submit).

#include <array>

#include "base/log.h"
#include "frontend/submitd/handover.h"
#include "frontend/submitd/reply_text.h"
#include "grammar/submit/reader.h"

namespace godwit::submitd {
namespace {

using smtp::Reply;

constexpr std::size_t kBuffer = 64 * 1024;

class Session {
 public:
  Session(std::unique_ptr<net::Stream> stream, Context& context)
      : context_(context), settings_(context.settings()), stream_(std::move(stream)), until_(context.clock.steady() + settings_->whole) {}

  Task<> run();

 private:
  Task<> converse();
  Task<Reply> take_message(Who who);
  Task<std::optional<Reply>> read_envelope();
  Task<std::optional<Reply>> read_body(Handover& handover);
  Task<std::optional<Reply>> fill();
  Task<> answer(Reply reply);
  void wake();

  Context& context_;
  std::shared_ptr<const Settings> settings_;
  std::unique_ptr<net::Stream> stream_;
  SteadyTime until_;
  submit::Reader reader_;
  std::string buffer_;
  std::string_view rest_;  // of what was read
  bool gone_ = false;      // the client left: nobody hears a reply
};

// A stop ends who has not said all of the envelope; what is under way may end.
void Session::wake() {
  if (context_.tasks.cutting() || !reader_.has_envelope()) stream_->cancel();
}

Task<> Session::run() {
  auto executor = co_await this_executor();
  const net::TaskGroup::OnStop on_stop(context_.tasks, executor, [this] { wake(); });
  co_await converse();
  stream_->close();
}

Task<> Session::converse() {
  const auto peer = stream_->credentials();
  if (!peer) co_return;
  IpAddress loopback;
  loopback.bytes = {127, 0, 0, 1};
  const auto ticket = context_.limits.admit(loopback, true);
  if (!ticket) co_return co_await answer(replies::busy());
  const Rates::Place place(context_.rates, peer->uid, settings_->sessions_per_user);
  if (!place) co_return co_await answer(replies::too_many_sessions(peer->uid));
  Who who{peer->uid, "local-" + context_.random.text(8)};
  auto reply = co_await take_message(std::move(who));
  if (!reply.positive()) log::info("submission_refused", {{"uid", peer->uid}, {"reply", reply.one_line()}, {"gone", gone_}});
  if (!gone_) co_await answer(std::move(reply));
}

Task<Reply> Session::take_message(Who who) {
  if (auto refusal = co_await read_envelope()) co_return *std::move(refusal);
  // a submission that is refused counts too: asking is work
  if (!context_.rates.take(who.uid, settings_->messages_per_minute, context_.clock.steady()))
    co_return replies::too_fast(who.uid, settings_->messages_per_minute);
  auto begun = co_await begin(context_, std::move(who), reader_.envelope());
  if (!begun) co_return std::move(begun).error();
  Handover handover = *std::move(begun);
  // All or nothing: the caller sees one exit code, and one that failed must be safe to repeat.
  if (!handover.refused.empty()) co_return combine(handover.refused);
  auto go_ahead = handover.transaction->begin_body();
  if (!go_ahead.intermediate()) co_return go_ahead;
  go_ahead.text = "Go on";
  co_await answer(std::move(go_ahead));
  if (!handover.author_field.empty()) co_await handover.transaction->append(handover.author_field);
  if (auto refusal = co_await read_body(handover)) co_return *std::move(refusal);
  co_return co_await handover.transaction->commit();
}

Task<std::optional<Reply>> Session::read_envelope() {
  while (!reader_.has_envelope()) {
    if (auto refusal = co_await fill()) co_return refusal;
    const auto piece = reader_.next(rest_);
    if (!piece) co_return replies::malformed(piece.error().text);
    rest_.remove_prefix(piece->consumed);
  }
  co_return std::nullopt;
}

Task<std::optional<Reply>> Session::read_body(Handover& handover) {
  while (!reader_.finished()) {
    if (auto refusal = co_await fill()) co_return refusal;
    const auto piece = reader_.next(rest_);
    if (!piece) co_return replies::malformed(piece.error().text);
    rest_.remove_prefix(piece->consumed);
    if (!piece->bytes.empty()) co_await handover.transaction->append(piece->bytes);
    if (handover.transaction->failed()) co_return co_await handover.transaction->commit();  // why
  }
  co_return std::nullopt;
}

// rest_ is not empty afterwards, or there is a reason.
Task<std::optional<Reply>> Session::fill() {
  if (!rest_.empty()) co_return std::nullopt;
  const auto left = std::chrono::duration_cast<Duration>(until_ - context_.clock.steady());
  if (left <= Duration(0)) co_return replies::timed_out();
  if (buffer_.empty()) buffer_.resize(kBuffer);
  const std::span<char> room(buffer_);
  const auto count = co_await stream_->read(room, std::min(settings_->idle, left));
  if (!count) {
    if (count.error().cause == Error::Cause::timed_out) co_return replies::timed_out();
    if (count.error().cause == Error::Cause::cancelled) co_return replies::stopping();
  }
  if (!count || *count == 0) {
    gone_ = true;
    co_return replies::malformed("the program left within its message");
  }
  rest_ = std::string_view(buffer_).substr(0, *count);
  co_return std::nullopt;
}

Task<> Session::answer(Reply reply) {
  std::string wire;
  smtp::append_wire(wire, reply);
  const auto sent = co_await stream_->write(wire, settings_->idle);
  if (!sent) gone_ = true;
}

}  // namespace

Task<> serve(std::unique_ptr<net::Stream> stream, Context& context) {
  Session session(std::move(stream), context);
  co_await session.run();
}

}  // namespace godwit::submitd
