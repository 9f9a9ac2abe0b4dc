// How a dialogue begins: greeting, EHLO, encryption, login.

#include <fmt/format.h>

#include <utility>

#include "base/bytes.h"
#include "service/outbound/connection.h"
#include "service/outbound/limits.h"
#include "service/outbound/login.h"

namespace godwit::outbound {
namespace {

constexpr std::uint16_t kClosing = 421;  // RFC 5321 3.8: any command may get it
constexpr smtp::EnhancedCode kNotNow{4, 3, 2};
constexpr smtp::EnhancedCode kLoop{4, 4, 6};
constexpr smtp::EnhancedCode kNoTls{4, 7, 4};      // RFC 3463 3.8: security features not supported
constexpr smtp::EnhancedCode kTlsFailed{4, 7, 5};  // cryptographic failure

}  // namespace

Task<std::expected<void, queue::Outcome>> Connection::greet(std::string hostname, Terms terms) {
  terms_ = std::move(terms);
  if (terms_.implicit_tls) {
    const Step encrypted = co_await shake_hands();
    if (!encrypted) co_return encrypted;
  }
  const Step greeted = co_await read_greeting(hostname);
  if (!greeted) co_return greeted;
  const Step said = co_await hello(hostname);
  if (!said) co_return said;
  const Step secured = co_await secure(hostname);
  if (!secured || !terms_.login) co_return secured;
  co_return co_await log_in();
}

// The server is of no use; it is told so.
Task<Connection::Step> Connection::leave(smtp::EnhancedCode status, std::string why, const smtp::Reply* reply) {
  queue::Outcome outcome = unreachable(status, std::move(why), remote_);
  if (reply) outcome.remote_reply = reply->one_line();
  usable_ = false;
  if (!reply || reply->code != kClosing) co_await say_goodbye();
  co_return std::unexpected(std::move(outcome));
}

Task<Connection::Step> Connection::read_greeting(const std::string& hostname) {
  const auto greeting = co_await read_reply(kGreeting);
  if (!greeting) co_return std::unexpected(lost(greeting.error(), "the greeting", remote_));
  if (greeting->code != 220) {
    std::string why = "the server does not take mail now";
    co_return co_await leave(kNotNow, std::move(why), &*greeting);
  }
  const std::string_view words = greeting->text;
  // RFC 5321 6.3: the loop is seen before anything goes round in it. A route can be mended, so the message waits. (RFC 2033 4.2's example
  // has one name on both sides, and rightly: what LMTP hands over is not handed on.)
  const std::string_view name = words.substr(0, words.find_first_of(" \n"));
  if (!terms_.lmtp && (ascii_iequals(name, hostname) || ascii_iequals(name, terms_.own_name))) {
    std::string why = fmt::format("{} greets with our own name ({}): the mail would go in a circle", remote_, hostname);
    co_return co_await leave(kLoop, std::move(why));
  }
  co_return Step{};
}

Task<Connection::Step> Connection::hello(const std::string& hostname) {
  std::string line = fmt::format("{} {}\r\n", terms_.lmtp ? "LHLO" : "EHLO", hostname);  // RFC 2033 4.1
  auto reply = co_await command(std::move(line), kHello);
  if (reply && reply->positive()) {
    extensions_ = smtp::parse_extensions(*reply);
  } else if (reply && reply->permanent() && !terms_.lmtp) {
    std::string old = fmt::format("HELO {}\r\n", hostname);  // RFC 5321 3.2: an old server knows HELO alone
    reply = co_await command(std::move(old), kHello);
  }
  if (!reply) co_return std::unexpected(lost(reply.error(), terms_.lmtp ? "the answer to LHLO" : "the answer to EHLO", remote_));
  if (!reply->positive()) {
    std::string why = "the server does not want to talk to us";
    co_return co_await leave(kNotNow, std::move(why), &*reply);
  }
  usable_ = true;
  co_return Step{};
}

// What the operator can do about it, behind a sentence about what TLS lacks.
std::string Connection::tls_demand() const {
  if (!terms_.must_encrypt()) return {};
  if (terms_.implicit_tls) return "; smtps:// has no plain text to go back to";
  return fmt::format("; tls = \"{}\" keeps the mail here until that is mended", routing::to_string(terms_.tls));
}

queue::Outcome Connection::tls_failure(std::string_view why) {
  usable_ = false;
  tls_failed_ = !terms_.must_encrypt();
  if (stream_) stream_->close();
  const std::string_view what = terms_.implicit_tls ? "has an encrypted port" : "offers STARTTLS";
  return unreachable(kTlsFailed, fmt::format("{} {}, and it fails: {}{}", remote_, what, why, tls_demand()), remote_);
}

Task<Connection::Step> Connection::secure(const std::string& hostname) {
  if (terms_.implicit_tls || !terms_.connector) co_return Step{};
  if (extensions_.starttls) co_return co_await start_tls(hostname);
  if (!terms_.must_encrypt()) co_return Step{};
  std::string why = fmt::format("{} does not offer STARTTLS{}", remote_, tls_demand());
  co_return co_await leave(kNoTls, std::move(why));
}

Task<Connection::Step> Connection::shake_hands() {
  std::unique_ptr<net::Stream> plain = std::move(stream_);
  std::string server_name = terms_.server_name;
  auto encrypted = co_await terms_.connector->connect(std::move(plain), std::move(server_name), kStartTls, &handshake_);
  if (!encrypted) co_return std::unexpected(tls_failure(encrypted.error().text));
  stream_ = *std::move(encrypted);
  co_return Step{};
}

// RFC 3207. A server that offers it and then does not want to (454) is spoken to as it is, if the terms let us.
Task<Connection::Step> Connection::start_tls(const std::string& hostname) {
  std::string line = "STARTTLS\r\n";
  const auto reply = co_await command(std::move(line), kStartTls);
  if (!reply) co_return std::unexpected(tls_failure("no answer to STARTTLS: " + reply.error().text));
  if (reply->code == kClosing) {
    usable_ = false;
    stream_->close();
    co_return std::unexpected(closing(*reply, remote_));
  }
  if (reply->code != 220 && !terms_.must_encrypt()) co_return Step{};
  if (reply->code != 220) {
    std::string why = fmt::format("{} offers STARTTLS and does not do it{}", remote_, tls_demand());
    co_return co_await leave(kNoTls, std::move(why), &*reply);
  }
  // what came in plain text behind the 220 is nobody's answer (RFC 3207 6: it could be injected)
  if (reader_.buffered()) co_return std::unexpected(tls_failure("there is plain text behind the answer to STARTTLS"));
  const Step encrypted = co_await shake_hands();
  if (!encrypted) co_return encrypted;
  usable_ = false;
  extensions_ = {};  // RFC 3207 4.2: what was learnt before is forgotten
  const Step said = co_await hello(hostname);
  // In TLS 1.3 a server says what it minds about the handshake only now (a client certificate that it demands).
  const bool lost_at_once = !said && said.error().remote_reply.empty() && !cancelled_;
  if (lost_at_once) co_return std::unexpected(tls_failure(said.error().text));
  co_return said;
}

Task<Connection::Step> Connection::log_in() {
  const bool encrypted = stream_->tls() != nullptr;
  std::string remote = remote_;
  Exchange exchange = [this](std::string line) { return command(std::move(line), kHello); };
  const Step done = co_await outbound::log_in(terms_, extensions_, encrypted, std::move(remote), std::move(exchange));
  terms_.login.reset();  // the password is not needed any more
  if (done) co_return done;
  usable_ = false;
  co_await say_goodbye();
  co_return done;
}

}  // namespace godwit::outbound
