#include "frontend/smtpd/session.h"

#include <algorithm>
#include <exception>

#include "base/log.h"
#include "base/metrics.h"
#include "edge/net/deadline_stream.h"
#include "frontend/smtpd/reply_text.h"

namespace godwit::smtpd {
namespace {

constexpr std::size_t kFlushAt = 16 * 1024;  // a client that only sends does not make us hoard
constexpr std::size_t kKeepRoom = 512;       // what an idle session keeps of its reply buffer

struct Counters {
  metrics::Counter& sessions = metrics::counter("godwit_smtpd_sessions_total", "SMTP connections");
  metrics::Counter& rejected = metrics::counter("godwit_smtpd_sessions_rejected_total", "SMTP connections over a limit");
  metrics::Counter& errors = metrics::counter("godwit_smtpd_protocol_errors_total", "Commands that were no good SMTP");
  metrics::Gauge& open = metrics::gauge("godwit_smtpd_sessions", "SMTP connections now");
};
Counters& counters() {
  static Counters instance;
  return instance;
}

struct Open {
  Open() { counters().open.add(1); }
  ~Open() { counters().open.add(-1); }
  Open(const Open&) = delete;
  Open& operator=(const Open&) = delete;
};

// What counts against [limits] protocol_errors: lines and orders of commands that no client should send.
bool is_protocol_error(const smtp::Reply& reply) { return reply.permanent() && reply.enhanced.subject == 5; }

bool has_control_character(std::string_view line) {
  return std::ranges::any_of(line, [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; });
}

}  // namespace

std::string_view to_string(Role role) {
  switch (role) {
    case Role::mx: return "smtp";
    case Role::submission: return "submission";
    case Role::submissions: return "submissions";
  }
  return "smtp";
}

Session::Session(std::unique_ptr<net::Stream> stream, Role role, Context& context)
    : context_(context),
      settings_(context.settings()),
      stream_(std::move(stream)),
      remote_(stream_->remote()),
      reader_(settings_->max_command_line),
      id_(context.random.text(8)),
      role_(role) {
  const bool from_relay = contains(settings_->relay_from, remote_.address);
  may_relay_ = role_ == Role::mx && from_relay;
  exempt_ = from_relay || remote_.address.is_loopback() || contains(settings_->allow, remote_.address);
}

Task<> Session::run() {
  const Open open;
  counters().sessions.add();
  const auto ticket = context_.limits.admit(remote_.address, exempt_);
  if (ticket) {
    co_await guarded_converse();
  } else {
    counters().rejected.add();
    // in front of a handshake there is no way to say it
    if (role_ != Role::submissions) answer(replies::too_many_connections(ticket.error()), "connect");
    ignore(co_await flush(), "the connection ends either way");
  }
  close();
  log::info("session_ended", {{"session", id_}, {"peer", remote_.address.text()}, {"messages", messages_}, {"errors", errors_}});
}

// The one catch of a session: exceptions come from third parties alone.
Task<> Session::guarded_converse() {
  std::string thrown;
  try {
    co_await converse();
  } catch (const std::exception& exception) {
    thrown = exception.what();
  }
  if (thrown.empty() || !stream_) co_return;
  log::error("session_failed", {{"session", id_}, {"error", thrown}});
  out_.clear();
  answer(replies::internal_error(), "internal");
  ignore(co_await flush(), "the connection ends either way");
}

Task<> Session::converse() {
  if (role_ == Role::submissions && !co_await begin_tls()) co_return;
  log::info("session", {{"session", id_}, {"peer", remote_.text()}, {"listener", to_string(role_)}});
  answer(replies::greeting(settings_->hostname), "connect");
  while (!closing_) {
    if (must_end()) {
      closing_ = true;
      answer(replies::shutting_down(settings_->hostname), "stop");
      break;
    }
    Line line = std::string_view();
    if (auto buffered = reader_.buffered_line(true))
      line = *std::move(buffered);
    else
      line = co_await next_line();
    if (!line) {
      answer(explain_line(line.error()), "line");
      continue;
    }
    ++commands_;
    const auto verb = smtp::split_command(*line).verb;
    auto reply = co_await execute(*line);
    answer(follow(verb, std::move(reply)), smtp::to_string(verb));
    if (std::exchange(upgrade_, false) && !co_await begin_tls()) co_return;
    if (out_.size() > kFlushAt && !co_await flush()) co_return;
  }
  ignore(co_await flush(), "the connection ends either way");
}

// RFC 3207 4.2: what was said in plain text, also what was pipelined behind STARTTLS, is forgotten.
Task<bool> Session::begin_tls() {
  if (!co_await flush()) co_return false;
  if (stopping_) co_return false;  // in front of a handshake there is no way to say it
  if (reader_.buffered()) log::warning("plaintext_behind_starttls_discarded", {{"session", id_}, {"peer", remote_.address.text()}});
  reader_.discard();
  const auto acceptor = context_.tls();
  if (!acceptor) co_return false;
  auto plain = std::move(stream_);
  shaking_hands_ = plain.get();
  auto secured = co_await acceptor->accept(std::move(plain), settings_->tls_timeout);
  shaking_hands_ = nullptr;
  if (!secured) {
    log::info("tls_failed", {{"session", id_}, {"peer", remote_.address.text()}, {"error", secured.error().text}});
    co_return false;
  }
  stream_ = *std::move(secured);
  forget_everything();
  // RFC 4954 4: AUTH lines may be longer than commands; execute() looks at the others
  if (auth_possible()) reader_.set_max_line(std::max(settings_->max_auth_line, settings_->max_command_line));
  co_return true;
}

Duration Session::line_timeout() const {
  const bool hurry = commands_ == 0 && !exempt_ && context_.limits.under_load();
  return hurry ? settings_->first_command_under_load : settings_->command_timeout;
}

// RFC 2920 3.2: the replies go out before the session waits.
Task<Session::Line> Session::next_line() {
  if (!co_await flush()) co_return fail(Error::temporary(Error::Cause::closed, "the client does not read"));
  if (must_end()) co_return fail(Error::temporary(Error::Cause::cancelled, "stopping"));
  const Duration timeout = line_timeout();
  net::DeadlineStream stream(*stream_, context_.clock, context_.clock.steady() + timeout);
  idle_ = true;
  auto line = co_await reader_.read_line(stream, timeout, true);
  idle_ = false;
  co_return line;
}

Session::Reply Session::explain_line(const Error& error) {
  using Cause = Error::Cause;
  if (error.cause == Cause::limit) return replies::line_too_long();
  if (error.cause == Cause::syntax) return replies::bare_lf_line();
  closing_ = true;
  if (error.cause == Cause::timed_out) return replies::timed_out();
  if (error.cause == Cause::cancelled) return replies::shutting_down(settings_->hostname);
  return replies::silence();
}

Task<Session::Reply> Session::execute(std::string_view line) {
  const auto command = smtp::split_command(line);
  const auto arguments = command.arguments;
  if (line.size() + 2 > settings_->max_command_line && command.verb != smtp::Verb::auth) return refuse(replies::line_too_long());
  if (has_control_character(line)) return refuse(replies::control_character());
  switch (command.verb) {
    case smtp::Verb::ehlo: return cmd_ehlo(arguments);
    case smtp::Verb::helo: return cmd_helo(arguments);
    case smtp::Verb::mail: return cmd_mail(arguments);
    case smtp::Verb::rcpt: return cmd_rcpt(arguments);
    case smtp::Verb::data: return cmd_data(arguments);
    case smtp::Verb::rset: return cmd_rset(arguments);
    case smtp::Verb::noop: return cmd_noop(arguments);
    case smtp::Verb::quit: return cmd_quit(arguments);
    case smtp::Verb::vrfy: return cmd_vrfy(arguments);
    case smtp::Verb::expn: return cmd_expn(arguments);
    case smtp::Verb::help: return cmd_help(arguments);
    case smtp::Verb::starttls: return cmd_starttls(arguments);
    case smtp::Verb::auth: return cmd_auth(arguments);
    case smtp::Verb::bdat:
    case smtp::Verb::lhlo:
    case smtp::Verb::xclient: return refuse(replies::not_implemented());
    case smtp::Verb::unknown: break;
  }
  return refuse(replies::unknown_command());
}

Task<Session::Reply> Session::refuse(Reply reply) { co_return reply; }

void Session::answer(Reply reply, std::string_view command) {
  if (reply.code == 0) return;
  if (!std::exchange(excused_, false) && is_protocol_error(reply)) {
    counters().errors.add();
    if (++errors_ >= settings_->max_errors) {
      reply = replies::too_many_errors();
      closing_ = true;
    }
  }
  if (reply.code >= 400) {
    log::info("refused", {{"session", id_}, {"peer", remote_.address.text()}, {"command", command}, {"reply", reply.one_line()}});
  }
  smtp::append_wire(out_, reply);
}

Task<bool> Session::flush() {
  if (out_.empty()) co_return true;
  const bool farewell = cut_ || (closing_ && stopping_);
  const auto written = co_await stream_->write(out_, farewell ? settings_->farewell_timeout : settings_->write_timeout);
  out_.clear();
  if (out_.capacity() > kKeepRoom) out_.shrink_to_fit();
  if (!written) closing_ = true;
  co_return written.has_value();
}

void Session::stop() {
  stopping_ = true;
  cut_ = context_.tasks.cutting();
  // RFC 3207 4.2: a handshake ends the transaction in any case
  if (shaking_hands_) return shaking_hands_->cancel();
  if (stream_ && (cut_ || (idle_ && !transaction_))) stream_->cancel();
}

void Session::close() {
  if (stream_) stream_->close();
}

Task<> serve(std::unique_ptr<net::Stream> stream, Role role, Context& context) {
  Session session(std::move(stream), role, context);
  const net::TaskGroup::OnStop on_stop(context.tasks, co_await this_executor(), [&session] { session.stop(); });
  co_await session.run();
}

}  // namespace godwit::smtpd
