#pragma once
// How an attempt to deliver to one recipient ended: what every kind of delivery (local, SMTP, LMTP) returns. A value.

#include <string>

#include "base/clock.h"
#include "grammar/smtp/reply.h"

namespace godwit::queue {

struct Outcome {
  enum class Kind : std::uint8_t {
    delivered,  // done; the next hop or the mailbox has it
    deferred,   // temporary: tried again by the schedule
    bounced,    // permanent: returned to the sender
  };
  Kind kind = Kind::deferred;
  smtp::EnhancedCode status;  // RFC 3463
  std::string text;           // what happened, in a sentence for a person
  std::string remote;         // who said so: "mx.example.net [192.0.2.1]:25", "route smtp://...", "local"
  std::string remote_reply;   // its own words ("550 5.1.1 No such user"), if it said any
  bool site_down = false;     // nothing was said by the peer about this message: connect, greeting, TLS or connection lost
  std::string reply_class{};  // what kind of refusal it was ("greylisted", "mailbox_full"); empty: none, or our own decision
  Duration retry_after{};     // deferred: not by the schedule but after so long; zero: by the schedule. Not kept.
  // delivered: what a report about it says, if the sender asked for one (RFC 3461 5.2)
  enum class Success : std::uint8_t {
    delivered,  // it is in the mailbox
    relayed,    // the next server has it, and reports nothing itself
    passed_on,  // the next server has it, and the request for a report too: we say nothing
    expanded,   // an alias of several addresses
  };
  Success success = Success::delivered;
};

}  // namespace godwit::queue
