#pragma once
// A queued message: envelope, what is known about it, and where its bytes are. Plain values; rows: docs/formats/rows.md.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "edge/store/blobs.h"
#include "grammar/smtp/path.h"
#include "state/queue/outcome.h"

namespace godwit::queue {

// Recipients a message may have, with those that aliases add.
inline constexpr std::size_t kMaxRecipients = 65'536;

// RFC 3461 4.1; the default (none given) is failure and delay at our discretion.
struct Notify {
  bool given = false;
  bool never = false;
  bool success = false;
  bool failure = false;
  bool delay = false;
};

struct Recipient {
  smtp::Address address;  // where it goes, after aliases
  std::string original;   // RCPT TO as given, if an alias led here; Delivered-To keeps `address`
  std::string orcpt;      // RFC 3461 4.2, as received, "rfc822;..."
  Notify notify;

  enum class State : std::uint8_t { pending, delivered, bounced, dropped };
  State state = State::pending;
  std::uint32_t attempts = 0;
  WallTime next_attempt{};  // when pending
  Outcome last;             // of the last attempt; kind is meaningless while attempts == 0
  bool delay_notice_sent = false;
  std::uint32_t probes = 0;  // times in a row that its site was down; these are no attempts
  std::string next_hop;      // where the administrator has sent it ("smtp://host:25"); empty: the routes say
};

struct Message {
  MessageId id;
  smtp::ReversePath reverse_path;
  std::vector<Recipient> recipients;

  bool body_8bit = false;  // BODY=8BITMIME was declared
  bool smtputf8 = false;   // RFC 6531
  std::string envid;       // RFC 3461 4.4
  enum class Return : std::uint8_t { unset, full, headers } ret = Return::unset;

  std::string tenant;  // by default the sender's (or else the recipient's) local domain
  std::uint8_t priority = 0;
  std::string identity;    // account that submitted it, "" if nobody authenticated
  std::string client;      // "192.0.2.7 (client.example)", for people
  std::string session;     // session id, to find its log lines
  std::string message_id;  // of its header, with angle brackets; "" if it has none

  std::string prefix;      // header fields that the server added in front (Received, Date, Message-ID), with CRLFs
  store::BlobId blob;      // the message as it came, dots undone
  std::uint64_t size = 0;  // bytes of the blob, without the prefix

  WallTime accepted{};
  bool held = false;
  std::string held_because;   // for people
  std::uint32_t crashes = 0;  // times the process died working on it

  // Where its rows lie and what they say: kept by the queue, of no meaning to anybody else.
  struct Rows {
    bool waiting = false;      // in `waiting` and `due`; else in `fresh`
    bool as_accepted = false;  // in `waiting` since its accept: that it is there does not prove that its bytes are
    bool handed_over = false;  // blob_refs names another owner of the blob already
    bool held = false;
    std::uint32_t pending = 0;
    std::uint32_t pages = 1;
    WallTime due{};                      // of its row in the index, when waiting
    std::vector<std::uint64_t> digests;  // of each page as stored, when waiting
  };
  Rows rows;
};

}  // namespace godwit::queue
