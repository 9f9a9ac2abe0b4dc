#include "service/outbound/connection.h"

#include <fmt/format.h>

#include <utility>

#include "service/outbound/fitness.h"
#include "service/outbound/limits.h"

namespace godwit::outbound {
namespace {

constexpr std::uint16_t kClosing = 421;  // RFC 5321 3.8: any command may get it

queue::Outcome out_of_step(const smtp::Reply& reply, std::string_view waiting_for, const std::string& remote) {
  queue::Outcome outcome = lost(Error::temporary(Error::Cause::syntax, "it does not fit the question"), waiting_for, remote);
  outcome.remote_reply = reply.one_line();
  return outcome;
}

}  // namespace

Connection::Connection(std::unique_ptr<net::Stream> stream, std::string remote, store::Blobs& blobs)
    : stream_(std::move(stream)), remote_(std::move(remote)), blobs_(blobs), reader_(kReplyLine) {}

Task<Result<smtp::Reply>> Connection::read_reply(Duration timeout) {
  while (true) {
    auto line = reader_.buffered_line();
    if (!line && cancelled_) co_return fail(Error::temporary(Error::Cause::cancelled, "the server is stopping"));
    if (!line) line.emplace(co_await reader_.read_line(*stream_, timeout));
    if (!*line) {
      timed_out_ = line->error().cause == Error::Cause::timed_out;
      co_return fail(std::move(*line).error());
    }
    GODWIT_CO_ASSIGN(const bool complete, parser_.add_line(**line));
    if (complete) co_return parser_.take();
    if (!reader_.has_line()) stream_->acknowledge_now();
  }
}

Task<Result<void>> Connection::flush(Duration timeout) {
  if (out_.empty()) co_return Result<void>{};
  if (cancelled_) co_return fail(Error::temporary(Error::Cause::cancelled, "the server is stopping"));
  auto written = co_await stream_->write(out_, timeout);
  if (!written) timed_out_ = written.error().cause == Error::Cause::timed_out;
  if (out_.capacity() > kKeepBuffer) out_ = std::string();
  out_.clear();
  co_return written;
}

Task<Result<smtp::Reply>> Connection::command(std::string line, Duration timeout) {
  out_ += line;
  GODWIT_CO_TRY(co_await flush(timeout));
  co_return co_await read_reply(timeout);
}

// The next message that can go to this server; those that cannot are finished on the way.
Task<std::optional<Transaction>> Connection::take(JobSource& source) {
  while (taken_ < most_) {
    auto work = source.next();
    if (!work) break;
    auto options = co_await fit(blobs_, work->job.message, extensions_, remote_);
    if (!options) {
      work->decide_open(options.error());
    } else if (!options->smtputf8) {
      decide_unnameable(*work, remote_);
    }
    if (work->open.empty()) {
      source.finished(*std::move(work));
      continue;
    }
    // The first piece is read before MAIL, so that bytes that cannot be read do not cost the dialogue.
    if (const net::TlsInfo* tls = stream_->tls())
      options->tls = tls->version + (terms_.tls == routing::Tls::verify ? ", certificate verified" : "");
    MessageBody body(blobs_, work->job.message);
    std::string first;
    const auto read = co_await body.append_next(first);
    if (!read) {
      work->decide_open(unreadable(read.error()));
      source.finished(*std::move(work));
      continue;
    }
    ++taken_;
    std::optional<Transaction> transaction(std::in_place, *std::move(work), *std::move(options), std::move(body), remote_);
    transaction->first_piece() = std::move(first);
    co_return transaction;
  }
  co_return std::nullopt;
}

Task<> Connection::carry(JobSource& source, std::size_t most) {
  most_ = most;
  while (usable_) {
    if (!current_) current_ = co_await take(source);
    if (!current_) co_return;
    if (!co_await carry_current(source)) co_return;
  }
}

// One message from MAIL to its end; false: the dialogue has ended.
Task<bool> Connection::carry_current(JobSource& source) {
  Step step = co_await converse();
  if (step && current_->data_accepted()) step = co_await send_message(source);
  if (!step) {
    abandon(source, step.error());
    co_return false;
  }
  settle(source);
  co_return co_await reset();
}

// Commands and their replies up to DATA. What was sent already (behind the body before) is only answered here.
Task<Connection::Step> Connection::converse() {
  const std::size_t group = extensions_.pipelining ? kCommandsInGroup : 1;
  if (current_->outstanding() > 0 && !reader_.has_line()) stream_->acknowledge_now();  // the reply to the body before came alone
  while (current_->outstanding() > 0 || current_->commands_left()) {
    if (current_->outstanding() == 0) {
      if (reader_.has_line()) {  // nobody asked: a late 421, or a server that answers twice
        const auto unasked = co_await read_reply(kMail);
        if (unasked) co_return std::unexpected(closing(*unasked, remote_));
        co_return std::unexpected(lost(unasked.error(), current_->waiting_for(), remote_));
      }
      current_->append_commands(out_, group);
    }
    const auto written = co_await flush(kCommandWrite);
    if (!written) co_return std::unexpected(co_await write_failed(written.error()));
    const Step answered = co_await read_replies();
    if (!answered) co_return answered;
  }
  co_return Step{};
}

Task<Connection::Step> Connection::read_replies() {
  while (current_->outstanding() > 0) {
    const auto reply = co_await read_reply(current_->reply_timeout());
    if (!reply) co_return std::unexpected(lost(reply.error(), current_->waiting_for(), remote_));
    if (reply->code == kClosing) co_return std::unexpected(closing(*reply, remote_));
    if (resets_ > 0) {
      --resets_;
      if (!reply->positive()) co_return std::unexpected(out_of_step(*reply, "the answer to RSET", remote_));
      continue;
    }
    if (!current_->fits(*reply)) co_return std::unexpected(out_of_step(*reply, current_->waiting_for(), remote_));
    current_->on_reply(*reply);
    if (current_->outstanding() > 0 && !reader_.has_line()) stream_->acknowledge_now();  // one packet a reply
  }
  co_return Step{};
}

// From 354 to the final reply.
Task<Connection::Step> Connection::send_message(JobSource& source) {
  if (current_->accepted() == 0 && terms_.lmtp) {
    // RFC 2033 4.2: that DATA must fail. How many replies a dot would get is anybody's guess.
    co_return std::unexpected(lost(Error::temporary(Error::Cause::syntax, "it wants a message for nobody"), "the answer to DATA", remote_));
  }
  if (current_->accepted() == 0) {
    out_ += ".\r\n";  // RFC 2920 3.1: DATA was answered 354 with no recipient; nothing is sent
  } else {
    const Step sent = co_await send_body();
    if (!sent) co_return sent;
  }
  // In LMTP each recipient's delivery is waited for: the next message may go by another connection meanwhile.
  if (extensions_.pipelining && !terms_.lmtp) {
    next_ = co_await take(source);
    // RFC 2920 3.1: the end of a message may be the first "command" of a group
    if (next_) next_->append_commands(out_, kCommandsInGroup);
  }
  co_return co_await end_of_data();
}

// All but the last piece goes out; the last one, with the final dot, stays in out_.
Task<Connection::Step> Connection::send_body() {
  out_.swap(current_->first_piece());
  while (!current_->body().complete()) {
    const auto written = co_await flush(kDataBlock);
    if (!written) co_return std::unexpected(co_await write_failed(written.error()));
    const auto more = co_await current_->body().append_next(out_);
    // the dot must not follow: closing without it makes the server forget the message (RFC 5321 4.1.1.4)
    if (!more) co_return std::unexpected(unreadable(more.error()));
  }
  co_return Step{};
}

Task<Connection::Step> Connection::end_of_data() {
  const auto written = co_await flush(kDataBlock);
  if (!written) co_return std::unexpected(co_await write_failed(written.error()));
  if (terms_.lmtp) co_return co_await final_replies();
  const auto reply = co_await read_reply(kDataTermination);
  // RFC 5321 4.5.3.2.6, 6.1: without the final reply the server may have taken the message or not. It is sent again: a duplicate is
  // the price of never losing one.
  if (!reply) co_return std::unexpected(lost(reply.error(), current_->waiting_for(), remote_));
  if (reply->code == kClosing) co_return std::unexpected(closing(*reply, remote_));
  if (reply->intermediate()) co_return std::unexpected(out_of_step(*reply, current_->waiting_for(), remote_));
  current_->on_final(*reply);
  co_return Step{};
}

// RFC 2033 4.2: one reply for each recipient that was accepted, in their order. Those whose reply does not come are tried again.
Task<Connection::Step> Connection::final_replies() {
  for (bool last = false; !last;) {
    const auto reply = co_await read_reply(kDataTermination);
    if (!reply) co_return std::unexpected(lost(reply.error(), current_->waiting_for(), remote_));
    if (reply->code == kClosing) co_return std::unexpected(closing(*reply, remote_));
    if (reply->intermediate()) co_return std::unexpected(out_of_step(*reply, current_->waiting_for(), remote_));
    last = current_->on_final_of_one(*reply);
  }
  co_return Step{};
}

// A server that closes in the middle often says why before ("552 5.3.4 too big", "421 4.4.2 timeout").
Task<queue::Outcome> Connection::write_failed(Error error) {
  const bool readable = error.cause == Error::Cause::closed || error.cause == Error::Cause::io;
  if (readable) {
    const auto reply = co_await read_reply(kLastWords);
    if (reply && reply->code != kClosing && current_->data_accepted() && (reply->permanent() || reply->transient()))
      co_return refused(Stage::end_of_data, *reply, remote_);
    if (reply && reply->code == kClosing) co_return closing(*reply, remote_);
  }
  co_return lost(error, current_->waiting_for(), remote_);
}

// The message under way is done.
void Connection::settle(JobSource& source) {
  ++settled_;
  if (current_->needs_reset()) {
    out_ += "RSET\r\n";
    ++resets_;
  }
  Work work = current_->take_work();
  current_ = std::exchange(next_, std::nullopt);
  if (work.open.empty())
    source.finished(std::move(work));
  else
    source.give_back(std::move(work));
}

// With PIPELINING the RSET waits in out_ for the next MAIL; otherwise it is sent and answered now.
Task<bool> Connection::reset() {
  if (resets_ == 0 || extensions_.pipelining) co_return true;
  const auto reply = co_await command("", kHello);
  resets_ = 0;
  usable_ = reply && reply->positive();
  if (!usable_) stream_->close();
  co_return usable_;
}

// The dialogue has ended: every message that it holds goes back.
void Connection::abandon(JobSource& source, const queue::Outcome& why) {
  usable_ = false;
  stream_->close();
  // A server may close a connection that was idle or has carried enough; a message that it has not answered is not concerned.
  if (current_->heard() || (settled_ == 0 && current_->unheard_again())) current_->fail_rest(why);
  broken_ = why;
  std::optional<Transaction> current = std::exchange(current_, std::nullopt);
  std::optional<Transaction> next = std::exchange(next_, std::nullopt);
  if (next) source.give_back(next->take_work());
  Work work = current->take_work();
  given_back_ = !work.open.empty();
  if (!given_back_)
    source.finished(std::move(work));
  else
    source.give_back(std::move(work));
}

Task<> Connection::quit() {
  if (!usable_) co_return;
  usable_ = false;
  out_.clear();  // an RSET that nothing followed
  co_await say_goodbye();
}

// RFC 5321 4.1.1.10: QUIT, and a short wait for the 221.
Task<> Connection::say_goodbye() {
  const auto reply = co_await command("QUIT\r\n", kQuit);
  ignore(reply, "the connection ends either way");
  stream_->close();
}

}  // namespace godwit::outbound
