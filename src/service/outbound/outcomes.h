#pragma once
// What replies, lost connections and unfit messages mean for a recipient. Pure functions.

#include <string>
#include <string_view>

#include "base/result.h"
#include "grammar/smtp/reply.h"
#include "state/queue/outcome.h"

namespace godwit::outbound {

enum class Stage : std::uint8_t { mail, rcpt, data, end_of_data };

// `tls`: the version, empty in plain text.
queue::Outcome delivered(const smtp::Reply& reply, const std::string& remote, std::string_view tls = {});
// A refusal: deferred for 4yz, bounced for 5yz. What is no refusal at all (2yz to DATA, 3yz to RCPT) is deferred with 4.5.0.
queue::Outcome refused(Stage stage, const smtp::Reply& reply, const std::string& remote);
// RFC 5321 4.5.3.1.10: "too many recipients", as 452 or as the 552 of RFC 821.
bool too_many_recipients(const smtp::Reply& reply);

// Nothing was said about the message (site_down): deferred with `status`.
queue::Outcome unreachable(smtp::EnhancedCode status, std::string text, std::string remote);
// The connection ended in the middle of a message. `waiting_for`: "the answer to RCPT".
queue::Outcome lost(const Error& error, std::string_view waiting_for, const std::string& remote);

// 421 (RFC 5321 3.8), or whatever the server said before it closed: nothing about the message.
queue::Outcome closing(const smtp::Reply& reply, const std::string& remote);

queue::Outcome bounced(smtp::EnhancedCode status, std::string text, std::string remote);
// Our own bytes cannot be read or must not be sent: damage bounces (5.3.0, 5.6.0), anything temporary is deferred (4.3.0).
queue::Outcome unreadable(const Error& error);

}  // namespace godwit::outbound
