// From bytes to commands: lines and literals, and who waits how long for them.

#include <algorithm>

#include "base/log.h"
#include "edge/net/deadline_stream.h"
#include "frontend/imapd/session.h"

namespace godwit::imapd {
namespace {

constexpr std::string_view kGoAhead = "+ OK\r\n";

}  // namespace

void Session::set_reader_limits() {
  imap::CommandReader::Limits limits;
  if (state_ == State::not_authenticated) {
    limits.literal = 4'096;  // RFC 7888 5; a name and a password
    limits.command = settings_->max_line_before_login;
    limits.message = 0;
    limits.unasked = 4'096;
    limits.skip = 64 * 1024;
  } else {
    limits.message = settings_->append_limit;
    limits.skip = settings_->append_limit + (1 << 20);
    limits.unasked = has("LITERAL+") ? UINT64_MAX : 4'096;
  }
  commands_.set_limits(limits);
  commands_.set_dialect(dialect_);
  reader_.set_max_line(state_ == State::not_authenticated ? settings_->max_line_before_login : settings_->max_line);
}

// A command in `commands_`; `nothing`: one that was refused before it was whole.
Task<Session::Got> Session::read_command() {
  commands_.reset();
  while (true) {
    const Line line = co_await next_line();
    if (!line) {
      explain_line(line.error());
      co_return closing_ || silent_ ? Got::end : Got::nothing;
    }
    if (line->empty() && commands_.idle()) continue;  // RFC 9051 does not know them; Outlook and others send them
    const Got got = co_await take_step(commands_.add_line(*line));
    if (got != Got::nothing || closing_) co_return got;
    if (commands_.text().empty()) co_return Got::nothing;
  }
}

// What the reader asks for. `nothing`: go on with the next line.
Task<Session::Got> Session::take_step(imap::CommandReader::Step step) {
  using Kind = imap::CommandReader::Step::Kind;
  switch (step.kind) {
    case Kind::command: co_return Got::command;
    case Kind::literal:
      if (step.ask && !co_await ask_for_literal()) co_return Got::end;
      co_return co_await read_literal(step.size) ? Got::nothing : Got::end;
    case Kind::message: co_return co_await read_message(std::move(step));
    case Kind::skip: co_return co_await skip_literal(step.size) ? Got::nothing : Got::end;
    case Kind::refused: {
      const std::string tag(commands_.tag());
      const std::string code = step.code.empty() ? std::string() : '[' + std::string(step.code) + "] ";
      const bool no = !code.empty() || step.error.cause == Error::Cause::denied;
      commands_.reset();
      if (no)
        answer(tag, Reply::no(step.error.text, code));
      else
        protocol_error(Reply::bad(step.error.text), tag);
      co_return Got::nothing;
    }
    case Kind::hopeless:
      say_bye(step.error.text);
      closing_ = true;
      co_return Got::end;
  }
  co_return Got::end;
}

Task<bool> Session::ask_for_literal() {
  out_.buffer() += kGoAhead;
  co_await out_.flush();
  co_return !out_.broken();
}

Task<bool> Session::read_literal(std::uint64_t size) {
  while (size > 0) {
    const auto piece = co_await reader_.read_some(*stream_, literal_patience());
    if (!piece || piece->empty()) {
      silent_ = true;
      co_return false;
    }
    const std::size_t count = std::min<std::uint64_t>(size, piece->size());
    commands_.add_literal(piece->substr(0, count));
    reader_.consume(count);
    size -= count;
  }
  co_return true;
}

Task<bool> Session::skip_literal(std::uint64_t size) {
  while (size > 0) {
    const auto piece = co_await reader_.read_some(*stream_, literal_patience());
    if (!piece || piece->empty()) {
      silent_ = true;
      co_return false;
    }
    const std::size_t count = std::min<std::uint64_t>(size, piece->size());
    reader_.consume(count);
    size -= count;
  }
  co_return true;
}

// Before the login a literal has no more time than a line.
Duration Session::literal_patience() const {
  if (state_ != State::not_authenticated) return settings_->literal_timeout;
  const auto left = std::chrono::duration_cast<Duration>(line_deadline() - context_.clock.steady());
  return std::clamp(left, Duration(0), settings_->literal_timeout);
}

SteadyTime Session::line_deadline() const {
  if (state_ == State::not_authenticated) return begun_ + settings_->login_timeout;
  return context_.clock.steady() + settings_->idle_timeout;
}

Task<Session::Line> Session::next_line() {
  if (auto line = reader_.buffered_line()) co_return *std::move(line);
  co_await out_.flush();
  if (out_.broken()) co_return fail(Error::temporary(Error::Cause::closed, "the connection is lost"));
  if (stopping_) co_return fail(Error::temporary(Error::Cause::cancelled, "the server is stopping"));
  net::DeadlineStream stream(*stream_, context_.clock, line_deadline());
  waiting_ = true;
  const Line line = co_await reader_.read_line(stream, settings_->idle_timeout);
  waiting_ = false;
  co_return line;
}

// A line that did not come.
void Session::explain_line(const Error& error) {
  switch (error.cause) {
    case Error::Cause::limit:  // its end may have announced a literal, which must not be taken for commands
      say_bye("The line is too long");
      closing_ = true;
      return;
    case Error::Cause::cancelled:
      say_bye(text::kStopping, code::kUnavailable);
      closing_ = true;
      return;
    case Error::Cause::timed_out:
      log::info("session_timed_out", {{"session", id_}, {"peer", remote_.address.text()}});
      say_bye("Nothing has come for too long");
      closing_ = true;
      return;
    default: silent_ = true;
  }
}

}  // namespace godwit::imapd
