#pragma once
// A message in a mailbox, and what it is made of. Values, any thread.
//
// An email is immutable: header fields in front (the prefix) and the bytes behind (the blob). It may be in several mailboxes, also twice in
// one (RFC 8474 5.1); each time it is a message of its own there, with a UID, flags and a modseq.

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "edge/store/blobs.h"
#include "state/mailbox/flags.h"

namespace godwit::mailbox {

using Uid = std::uint32_t;
using MailboxNumber = std::uint32_t;  // never given again within an account: RFC 8474 4 MAILBOXID
using EmailId = std::uint64_t;        // never given again within an account: RFC 8474 5.1 EMAILID
using ThreadId = std::uint64_t;       // the first email of the thread: RFC 8474 5.2 THREADID
using Modseq = std::uint64_t;
inline constexpr MailboxNumber kInbox = 1;

struct NewEmail {
  std::string prefix;  // header fields in front of the blob: Return-Path, Delivered-To, Received ...; empty for APPEND
  store::BlobId blob;  // durable already, or as NewMessage::bytes says
  std::uint64_t blob_size = 0;
  WallTime received{};                 // internal date
  std::vector<std::string> threads{};  // msg-ids of Message-ID, In-Reply-To, References, the own one first; "" for none of its own
  std::string details{};               // DetailsMaker::finish() of the message with its prefix; "": not known yet
};

struct Email {  // what a reader needs to stream one message
  std::string prefix;
  store::BlobId blob;
  std::uint64_t blob_size = 0;
  WallTime received{};
  ThreadId thread = 0;

  std::uint64_t size() const { return prefix.size() + blob_size; }
};

struct MessageInfo {
  Uid uid = 0;
  EmailId email = 0;
  std::uint64_t size = 0;  // prefix + blob, octets as sent to a reader
  std::uint8_t flags = 0;  // bits of Flag
  Modseq modseq = 0;
  WallTime received{};                    // internal date
  WallTime saved{};                       // when it came into this mailbox: RFC 8514
  std::vector<KeywordNumber> keywords{};  // ascending
};

}  // namespace godwit::mailbox
