#include "frontend/imapd/session.h"

#include <exception>

#include "base/log.h"
#include "base/metrics.h"
#include "edge/net/deflate_stream.h"
#include "frontend/imapd/capabilities.h"
#include "grammar/imap/writer.h"

namespace godwit::imapd {
namespace {

void count_session() {
  static auto& sessions = metrics::counter("godwit_imapd_sessions_total", "IMAP connections");
  sessions.add();
}

std::string_view word(Reply::Kind kind) {
  switch (kind) {
    case Reply::Kind::ok: return " OK ";
    case Reply::Kind::no: return " NO ";
    case Reply::Kind::bad: return " BAD ";
  }
  return " BAD ";
}

// RFC 5530, RFC 9051 7.1: what the client's program can do about it
std::string_view code_of(const Error& error) {
  switch (error.cause) {
    case Error::Cause::denied: return code::kCannot;
    case Error::Cause::limit: return code::kLimit;
    default: return "";
  }
}

}  // namespace

Reply reply_to(const Error& error) {
  switch (error.cause) {
    case Error::Cause::not_found: return Reply::no(text::kNoMailbox, code::kNonExistent);
    case Error::Cause::conflict: return Reply::no(error.text, error.kind == Error::Kind::permanent ? code::kAlreadyExists : code::kInUse);
    case Error::Cause::limit: return Reply::no(error.text, code::kLimit);
    case Error::Cause::denied: return Reply::no(error.text, code::kCannot);
    case Error::Cause::full: return Reply::no("The server's disk is full; try again later", code::kUnavailable);
    case Error::Cause::corrupt: return Reply::no(text::kUnreadable, code::kServerBug);
    default: return Reply::no("The mailboxes cannot be used now; try again later", code::kUnavailable);
  }
}

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
      reader_(settings_->max_line_before_login),
      commands_(imap::CommandReader::Limits{}),
      out_(settings_->write_timeout),
      id_(std::move(id)),
      begun_(context.clock.steady()),
      without_(settings_->without),
      implicit_tls_(implicit_tls) {
  use_stream();
  set_reader_limits();
}

Task<> Session::run() {
  const bool exempt = remote_.address.is_loopback() || contains(settings_->exempt, remote_.address);
  const auto ticket = context_.limits.admit(remote_.address, exempt);
  if (ticket)
    co_await guarded_converse();
  else
    co_await turn_away(ticket.error());
  close();
  log::info("session_end", {{"session", id_},
                            {"protocol", "imap"},
                            {"peer", remote_.address.text()},
                            {"account", account_ ? account_->address.text() : std::string()},
                            {"commands", commands_run_},
                            {"octets", out_.written()}});
}

Task<> Session::guarded_converse() {
  try {
    co_await converse();
  } catch (const std::exception& failure) {
    log::error("session_failed", {{"session", id_}, {"protocol", "imap"}, {"error", failure.what()}});
    silent_ = true;
  }
}

// In front of a handshake there is no way to say it.
Task<> Session::turn_away(net::ConnectionLimits::Refusal why) {
  log::info("session_refused", {{"session", id_}, {"protocol", "imap"}, {"peer", remote_.address.text()}, {"why", to_sentence(why)}});
  if (implicit_tls_) co_return;
  say_bye(to_sentence(why), code::kUnavailable);
  co_await out_.flush();
}

void Session::stop() {
  stopping_ = true;
  if (shaking_hands_) return shaking_hands_->cancel();
  if (stream_ && (waiting_ || context_.tasks.cutting())) stream_->cancel();
}

Task<> Session::converse() {
  log::debug("session_begin", {{"session", id_}, {"protocol", "imap"}, {"peer", remote_.address.text()}});
  if (implicit_tls_ && !co_await handshake()) co_return;
  greet();
  while (!closing_ && !out_.broken()) {
    const Got got = co_await read_command();
    if (got == Got::end) {
      let_go_of_uploads();
      break;
    }
    if (got == Got::command) co_await execute();
    let_go_of_uploads();
    if (expunged_) {
      co_await out_.flush();
      expunged_ = false;
      co_await mailboxes().tidy(account());
    }
    if (upgrade_) {
      co_await out_.flush();
      if (out_.broken() || !co_await handshake()) co_return;
    }
    if (compress_) {
      co_await out_.flush();
      begin_compression();
    }
    co_await out_.flush_if_large();
  }
  if (!silent_) co_await out_.flush();
}

// RFC 9051 7.1.5
void Session::greet() {
  out_.buffer() += "* OK [CAPABILITY " + capability_list() + "] " + settings_->hostname + " Godwit IMAP server ready\r\n";
}

// STARTTLS and implicit TLS alike. RFC 9051 6.2.1, 11.1: what was learnt in plain text is forgotten, and what was pipelined behind
// STARTTLS too.
Task<bool> Session::handshake() {
  upgrade_ = false;
  if (stopping_) co_return false;
  reader_.discard();
  commands_.reset();
  const auto acceptor = context_.tls();
  if (!acceptor) co_return false;
  out_.set_stream(nullptr);
  auto plain = std::move(stream_);
  shaking_hands_ = plain.get();
  auto secured = co_await acceptor->accept(std::move(plain), settings_->tls_timeout);
  shaking_hands_ = nullptr;
  if (!secured) {
    log::info("tls_failed", {{"session", id_}, {"peer", remote_.address.text()}, {"error", secured.error().text}});
    silent_ = true;
    co_return false;
  }
  stream_ = *std::move(secured);
  use_stream();
  co_return true;
}

void Session::begin_compression() {
  compress_ = false;
  compressed_ = true;
  stream_ = net::make_deflate_stream(std::move(stream_));
  use_stream();
}

void Session::use_stream() { out_.set_stream(stream_.get()); }

Task<> Session::execute() {
  auto command = imap::parse_command(commands_.text(), dialect_);
  tag_ = std::string(commands_.tag());
  if (!command) {
    const Error& error = command.error();
    const bool refusal = error.cause == Error::Cause::denied || error.cause == Error::Cause::limit;
    const auto code = code_of(error);
    if (refusal)
      answer(tag_, Reply::no(error.text, std::string(code)));
    else
      protocol_error(Reply::bad(error.text), tag_);
    co_return;
  }
  ++commands_run_;
  commands_.reset();
  imap::Command what = *std::move(command);
  const Reply reply = co_await dispatch(std::move(what));
  if (out_.broken()) co_return;
  if (reply.kind == Reply::Kind::bad)
    protocol_error(reply, tag_);
  else
    answer(tag_, reply);
  if (reply.kind == Reply::Kind::ok) errors_ = 0;
}

void Session::protocol_error(Reply reply, std::string_view tag) {
  answer(tag, reply);
  if (++errors_ < settings_->max_errors) return;
  say_bye("Too many errors");
  closing_ = true;
}

void Session::answer(std::string_view tag, const Reply& reply) {
  std::string& out = out_.buffer();
  out += tag;
  out += word(reply.kind);
  out += reply.code;
  imap::append_text(out, reply.text, dialect_);
  out += "\r\n";
}

void Session::say_bye(std::string_view text, std::string_view code) {
  std::string& out = out_.buffer();
  out += "* BYE ";
  out += code;
  imap::append_text(out, text, dialect_);
  out += "\r\n";
}

void Session::close() {
  watch_.reset();
  if (stream_) stream_->close();
}

bool Session::has(std::string_view capability) const { return has_capability(capability, without_); }

std::string Session::capability_list() const {
  CapabilityState now;
  now.authenticated = state_ != State::not_authenticated;
  now.tls_offered = tls_offered();
  now.may_log_in = may_log_in();
  now.compressed = compressed_;
  now.append_limit = settings_->append_limit;
  return imapd::capability_list(now, without_);
}

}  // namespace godwit::imapd
