#pragma once
// Where the last BINARY[...]<offset.count> left off (RFC 3516 4.2): a client that reads a large part in pieces has it decoded once, and not
// from its beginning for every piece. One place a session, about a kilobyte; whoever reads two parts by turns has them decoded anew.
//
// A value of the session, one loop.

#include <cstdint>
#include <optional>

#include "frontend/imapd/section.h"

namespace godwit::imapd {

class DecodingPlace {
 public:
  struct State {
    std::uint64_t position = 0;  // in the message: what comes next
    std::uint64_t produced = 0;  // decoded bytes in front of it
    message::ContentDecoder decoder;
  };

  // Of the same bytes, at `offset` decoded bytes or before. Nothing: begin at the beginning.
  std::optional<State> find(const mailbox::Email& email, const Located& located, std::uint64_t offset) const;
  void keep(const mailbox::Email& email, const Located& located, State state);

 private:
  store::BlobId blob_;
  std::uint64_t size_ = 0;  // of the message: its prefix may differ
  Located located_;
  std::optional<State> state_;
};

}  // namespace godwit::imapd
