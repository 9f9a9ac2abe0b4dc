#pragma once
// A card's words straight from the rows of a message: nothing else of them is decoded or copied. Pure; one thread. The rows: record.h.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "state/queue/catalogue.h"

namespace godwit::queue {

class CardReader {
 public:
  // Begins a message with its record. The row's bytes must live until the next call, or until text() has been used.
  Result<void> record(MessageId id, std::string_view value, bool fresh);
  // The next page of its recipients. After an error text() tells of those that could be read.
  Result<void> page(std::string_view value);
  // Recipients are missing that lie in pages.
  bool wants_pages() const { return seen_ < recipients_; }
  MessageId id() const { return text_.id; }
  const CardText& text() const { return text_; }
  // What the queue counts and looks for at its start.
  std::uint32_t recipients() const { return recipients_; }
  std::uint64_t body() const { return body_; }     // bytes, without the prefix
  std::string_view blob() const { return blob_; }  // as it was stored; valid as long as the record's row

 private:
  Result<void> recipients_of(std::string_view value);
  Result<void> recipient(std::string_view value);
  Result<void> outcome(std::string_view value);
  void keep_own();

  CardText text_;
  std::string own_;  // of what pages need: the bytes of the record's row may have gone by then
  std::string from_;
  std::uint32_t recipients_ = 0;
  std::uint32_t seen_ = 0;
  std::uint64_t body_ = 0;
  std::string_view blob_;
};

}  // namespace godwit::queue
