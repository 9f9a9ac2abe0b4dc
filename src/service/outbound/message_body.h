#pragma once
// The bytes of a queued message as they go over the wire: prefix, then the blob in pieces, dot-stuffed, with the final dot.
// One at a time in memory. Owned by a transaction, one loop.

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/task.h"
#include "edge/store/blobs.h"
#include "grammar/smtp/data_writer.h"
#include "state/queue/message.h"

namespace godwit::outbound {

class MessageBody {
 public:
  MessageBody(store::Blobs& blobs, std::shared_ptr<const queue::Message> message) : blobs_(&blobs), message_(std::move(message)) {}

  // Appends the next piece (with the first one the prefix, with the last one the final dot). After an error the message cannot be
  // finished: what was sent of it must not get its dot.
  Task<Result<void>> append_next(std::string& out);
  bool complete() const { return complete_; }

 private:
  store::Blobs* blobs_;
  std::shared_ptr<const queue::Message> message_;
  smtp::DataWriter writer_;
  std::uint64_t offset_ = 0;
  bool begun_ = false;
  bool complete_ = false;
};

// Whether only ASCII is in the header section (RFC 6531: no SMTPUTF8 needed), or in the whole message (RFC 6152: no 8BITMIME needed).
enum class Extent : std::uint8_t { header, whole };
Task<Result<bool>> is_seven_bit(store::Blobs& blobs, std::shared_ptr<const queue::Message> message, Extent extent);

}  // namespace godwit::outbound
