#include "frontend/pop3d/session.h"

#include <exception>

#include "base/log.h"
#include "base/metrics.h"
#include "edge/net/deadline_stream.h"
#include "frontend/pop3d/reply_text.h"

namespace godwit::pop3d {
namespace {

constexpr std::size_t kLargeOutput = 64 * 1024;
constexpr std::size_t kKeptOutput = 4 * 1024;  // what an idle session may hold on to

void count_session() {
  static auto& sessions = metrics::counter("godwit_pop3d_sessions_total", "POP3 connections");
  sessions.add();
}

}  // namespace

Task<> serve(std::unique_ptr<net::Stream> stream, bool implicit_tls, std::string session_id, Context& context) {
  count_session();
  Session session(std::move(stream), implicit_tls, std::move(session_id), context);
  const auto executor = co_await this_executor();
  const net::TaskGroup::OnStop on_stop(context.tasks, executor, [&session] { session.stop(); });
  co_await session.run();
}

Session::Session(std::unique_ptr<net::Stream> stream, bool implicit_tls, std::string id, Context& context)
    : context_(context),
      settings_(context.settings()),
      stream_(std::move(stream)),
      remote_(stream_->remote()),
      reader_(settings_->max_command_line),
      id_(std::move(id)),
      begun_(context.clock.steady()),
      implicit_tls_(implicit_tls) {}

const Session::Entry& Session::entry_of(pop3::Verb verb) {
  // in the order of pop3::Verb
  static constexpr std::array<Entry, pop3::kVerbs> kEntries = {{
      {&Session::cmd_user, true, false},
      {&Session::cmd_pass, true, false},
      {&Session::cmd_auth, true, false},
      {&Session::cmd_stls, true, false},
      {&Session::cmd_capa, true, true},
      {&Session::cmd_utf8, true, false},
      {&Session::cmd_lang, true, true},
      {&Session::cmd_stat, false, true},
      {&Session::cmd_list, false, true},
      {&Session::cmd_retr, false, true},
      {&Session::cmd_top, false, true},
      {&Session::cmd_dele, false, true},
      {&Session::cmd_uidl, false, true},
      {&Session::cmd_rset, false, true},
      {&Session::cmd_noop, false, true},
      {&Session::cmd_quit, true, true},
  }};
  return kEntries.at(static_cast<std::size_t>(verb));
}

Task<> Session::run() {
  const bool exempt = remote_.address.is_loopback() || contains(settings_->exempt, remote_.address);
  const auto ticket = context_.limits.admit(remote_.address, exempt);
  if (ticket)
    co_await guarded_converse();
  else
    co_await turn_away(ticket.error());
  close();
  if (expunged_) co_await context_.mailboxes.tidy(account_->id);
  log::info("session_end", {{"session", id_},
                            {"protocol", "pop3"},
                            {"peer", remote_.address.text()},
                            {"account", account_ ? account_->address.text() : std::string()},
                            {"retrieved", retrieved_},
                            {"removed", removed_}});
}

Task<> Session::guarded_converse() {
  try {
    co_await converse();
  } catch (const std::exception& failure) {
    log::error("session_failed", {{"session", id_}, {"protocol", "pop3"}, {"error", failure.what()}});
    broken_ = true;
  }
}

// In front of a handshake there is no way to say it.
Task<> Session::turn_away(net::ConnectionLimits::Refusal why) {
  log::info("session_refused", {{"session", id_}, {"protocol", "pop3"}, {"peer", remote_.address.text()}, {"why", to_sentence(why)}});
  if (implicit_tls_) co_return;
  err(text::too_many_connections(why));
  co_await flush();
}

void Session::stop() {
  stopping_ = true;
  if (shaking_hands_) return shaking_hands_->cancel();
  if (stream_ && (idle_ || context_.tasks.cutting())) stream_->cancel();
}

Task<> Session::converse() {
  log::debug("session_begin", {{"session", id_}, {"protocol", "pop3"}, {"peer", remote_.address.text()}});
  if (implicit_tls_ && !co_await handshake()) co_return;
  ok(settings_->hostname + " Godwit POP3 server ready");
  while (!closing_ && !broken_) {
    const Line line = co_await next_line();
    if (broken_) co_return;
    if (line)
      co_await execute(*line);
    else
      explain_line(line.error());
    if (upgrade_) {
      co_await flush();
      if (broken_ || !co_await handshake()) co_return;
    }
    co_await flush_if_large();
  }
  co_await flush();
}

// STLS and implicit TLS alike. RFC 2595 4: what was learnt in plain text is forgotten, and what was pipelined behind STLS too.
Task<bool> Session::handshake() {
  upgrade_ = false;
  if (stopping_) co_return false;  // in front of a handshake there is no way to say it
  reader_.discard();
  user_.clear();
  const auto acceptor = context_.tls();
  if (!acceptor) co_return false;
  auto plain = std::move(stream_);
  shaking_hands_ = plain.get();
  auto secured = co_await acceptor->accept(std::move(plain), settings_->tls_timeout);
  shaking_hands_ = nullptr;
  if (!secured) {
    log::info("tls_failed", {{"session", id_}, {"peer", remote_.address.text()}, {"error", secured.error().text}});
    broken_ = true;
    co_return false;
  }
  stream_ = *std::move(secured);
  co_return true;
}

SteadyTime Session::line_deadline() const {
  const SteadyTime now = context_.clock.steady();
  if (state_ == State::transaction) return now + settings_->idle_timeout;
  // RFC 1939 3 DEVIATES: before the login a minute in all, not ten without a command; who has not logged in has nothing to lose
  return begun_ + settings_->login_timeout;
}

Task<Session::Line> Session::next_line() {
  if (auto line = reader_.buffered_line()) co_return *std::move(line);
  co_await flush();
  if (broken_) co_return fail(Error::temporary(Error::Cause::closed, "the connection is lost"));
  if (stopping_) co_return fail(Error::temporary(Error::Cause::cancelled, "the server is stopping"));
  net::DeadlineStream stream(*stream_, context_.clock, line_deadline());
  idle_ = true;
  const Line line = co_await reader_.read_line(stream, settings_->idle_timeout);
  idle_ = false;
  if (line) {
    for (Listed* message : std::exchange(on_the_way_, {})) message->received = true;
  }
  co_return line;
}

Task<> Session::execute(std::string_view line) {
  auto command = pop3::parse_command(line);
  if (!command) {
    const bool unknown = command.error().cause == Error::Cause::unsupported;
    co_return protocol_error(unknown ? text::kUnknownCommand : std::string_view(command.error().text));
  }
  const Entry& entry = entry_of(command->verb);
  if (state_ == State::authorization && !entry.in_authorization) co_return protocol_error(text::kLogInFirst);
  if (state_ == State::transaction && !entry.in_transaction) co_return protocol_error(text::kLoggedInAlready);
  pop3::Command what = *std::move(command);
  co_await (this->*entry.handler)(std::move(what));
}

// A line that did not come. RFC 1939 3: at the autologout nothing is removed and nothing is said.
void Session::explain_line(const Error& error) {
  switch (error.cause) {
    case Error::Cause::limit: return protocol_error(text::kLineTooLong);
    case Error::Cause::cancelled:
      err(text::kStopping);
      closing_ = true;
      return;
    case Error::Cause::timed_out: log::info("session_timed_out", {{"session", id_}, {"peer", remote_.address.text()}}); break;
    default: break;
  }
  broken_ = true;
}

void Session::protocol_error(std::string_view text) {
  if (++errors_ < settings_->max_errors) return err(text);
  err(text::kTooManyErrors);
  closing_ = true;
}

void Session::ok(std::string_view text) {
  out_ += text.empty() ? "+OK" : "+OK ";
  out_ += text;
  out_ += "\r\n";
}

void Session::err(std::string_view text) {
  out_ += "-ERR ";
  out_ += text;
  out_ += "\r\n";
}

Task<> Session::flush() {
  if (out_.empty() || broken_) co_return;
  const bool farewell = context_.tasks.cutting() || (closing_ && stopping_);
  const auto written = co_await stream_->write(out_, farewell ? settings_->farewell_timeout : settings_->write_timeout);
  broken_ = !written;
  if (out_.capacity() > kKeptOutput)
    out_ = std::string();
  else
    out_.clear();
}

Task<> Session::flush_if_large() {
  if (out_.size() >= kLargeOutput) co_await flush();
}

void Session::close() {
  if (stream_) stream_->close();
}

}  // namespace godwit::pop3d
