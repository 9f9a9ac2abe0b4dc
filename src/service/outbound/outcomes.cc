#include "service/outbound/outcomes.h"

#include <fmt/format.h>

namespace godwit::outbound {
namespace {

using Kind = queue::Outcome::Kind;

// For servers without enhanced codes: what the basic code says by itself (RFC 5321 4.2.2, RFC 5248 2.4).
smtp::EnhancedCode by_basic_code(std::uint16_t code) {
  switch (code) {
    case 421: return {4, 3, 2};
    case 450: return {4, 2, 0};
    case 451: return {4, 3, 0};
    case 452: return {4, 3, 1};
    case 551: return {5, 1, 6};
    case 552: return {5, 2, 2};
    case 553: return {5, 1, 3};
    case 500:
    case 501:
    case 502:
    case 503:
    case 504:
    case 555: return {5, 5, 0};
    case 530:
    case 535:
    case 538: return {5, 7, 0};
    case 556: return {5, 1, 10};
    default: return {static_cast<std::uint8_t>(code / 100 == 5 ? 5 : 4), 0, 0};
  }
}

std::string_view name_of(Stage stage) {
  switch (stage) {
    case Stage::mail: return "the sender";
    case Stage::rcpt: return "the recipient";
    case Stage::data: return "to take the message";
    case Stage::end_of_data: return "the message";
  }
  return "the message";
}

}  // namespace

queue::Outcome delivered(const smtp::Reply& reply, const std::string& remote, std::string_view tls) {
  queue::Outcome outcome;
  outcome.kind = Kind::delivered;
  outcome.status = reply.enhanced.status_class == 2 ? reply.enhanced : smtp::EnhancedCode{2, 0, 0};
  outcome.text = "the next server has taken it";
  if (!tls.empty()) outcome.text.append(" over ").append(tls);
  outcome.remote = remote;
  outcome.remote_reply = reply.one_line();
  return outcome;
}

queue::Outcome refused(Stage stage, const smtp::Reply& reply, const std::string& remote) {
  queue::Outcome outcome;
  outcome.remote = remote;
  outcome.remote_reply = reply.one_line();
  if (!reply.transient() && !reply.permanent()) {
    outcome.kind = Kind::deferred;
    outcome.status = {4, 5, 0};
    outcome.text = "the server's answer does not fit the question";
    return outcome;
  }
  const bool permanent = reply.permanent() && !(stage == Stage::rcpt && too_many_recipients(reply));
  outcome.kind = permanent ? Kind::bounced : Kind::deferred;
  outcome.status = reply.enhanced.present() ? reply.enhanced : by_basic_code(reply.code);
  if (!permanent && reply.permanent()) outcome.status = {4, 5, 3};
  outcome.text = fmt::format("the server refused {}{}", name_of(stage), permanent ? "" : " for now");
  return outcome;
}

// A 552 with an enhanced code of another matter (5.2.2, 5.3.4) means what it says.
bool too_many_recipients(const smtp::Reply& reply) {
  if (reply.code != 452 && reply.code != 552) return false;
  return !reply.enhanced.present() || (reply.enhanced.subject == 5 && reply.enhanced.detail == 3);
}

queue::Outcome unreachable(smtp::EnhancedCode status, std::string text, std::string remote) {
  queue::Outcome outcome;
  outcome.kind = Kind::deferred;
  outcome.status = status;
  outcome.text = std::move(text);
  outcome.remote = std::move(remote);
  outcome.site_down = true;
  return outcome;
}

queue::Outcome lost(const Error& error, std::string_view waiting_for, const std::string& remote) {
  if (error.cause == Error::Cause::syntax || error.cause == Error::Cause::limit) {
    queue::Outcome outcome = unreachable({4, 5, 0}, fmt::format("{} made no sense: {}", waiting_for, error.text), remote);
    outcome.site_down = false;  // something was said
    return outcome;
  }
  return unreachable({4, 4, 2}, fmt::format("the connection was lost before {}: {}", waiting_for, error.text), remote);
}

queue::Outcome closing(const smtp::Reply& reply, const std::string& remote) {
  const smtp::EnhancedCode status = reply.enhanced.status_class == 4 ? reply.enhanced : smtp::EnhancedCode{4, 3, 2};
  queue::Outcome outcome = unreachable(status, "the server closes the connection", remote);
  outcome.remote_reply = reply.one_line();
  return outcome;
}

queue::Outcome bounced(smtp::EnhancedCode status, std::string text, std::string remote) {
  queue::Outcome outcome;
  outcome.kind = Kind::bounced;
  outcome.status = status;
  outcome.text = std::move(text);
  outcome.remote = std::move(remote);
  return outcome;
}

queue::Outcome unreadable(const Error& error) {
  if (error.kind == Error::Kind::permanent && (error.cause == Error::Cause::corrupt || error.cause == Error::Cause::not_found))
    return bounced({5, 3, 0}, "the stored message is damaged: " + error.text, "local");
  queue::Outcome outcome;
  outcome.kind = Kind::deferred;
  outcome.status = {4, 3, 0};
  outcome.text = "the stored message could not be read: " + error.text;
  outcome.remote = "local";
  return outcome;
}

}  // namespace godwit::outbound
