#pragma once
// Goes over messages of a mailbox with their rows and details, some at a time, letting others run in between. Memory: kRowsAtOnce rows and
// the details of one batch. Internal to SEARCH, SORT and THREAD.

#include <functional>
#include <span>
#include <vector>

#include "frontend/imapd/message_text.h"
#include "frontend/imapd/search.h"

namespace godwit::imapd {

inline constexpr std::uint32_t kRowsAtOnce = 1'000;

// Cuts ranges of UIDs into chunks.
class UidChunks {
 public:
  explicit UidChunks(std::vector<mailbox::UidRange> ranges) : ranges_(std::move(ranges)) {}
  // The next UIDs, at most so many; none at the end.
  std::vector<mailbox::UidRange> next(std::uint32_t most = kRowsAtOnce);

 private:
  std::vector<mailbox::UidRange> ranges_;
  std::size_t at_ = 0;
};

std::vector<mailbox::UidRange> ranges_of(std::span<const mailbox::Uid> ascending);

// Counts how many messages of these sizes may have their details decoded at the same time: these are not much larger than their message,
// and most of a message is no envelope.
class DetailsBatch {
 public:
  // `want` of mailbox::Details. With structures fewer: a message of many parts takes 20 times its size. With headings more.
  explicit DetailsBatch(std::uint8_t want);
  // False: full, this one goes into the next.
  bool add(std::uint64_t message_size);

 private:
  struct Limits {
    std::size_t messages;
    std::uint64_t bytes;
    std::uint64_t bytes_each;  // more of a message does not count
  };
  static Limits limits_of(std::uint8_t want);

  Limits limits_;
  std::size_t messages_ = 0;
  std::uint64_t bytes_ = 0;
};

// Calls `each` for every message of `uids` (ascending) that is still there, by UID. `details`: null with `want` 0, and where they cannot be
// read. Errors as search().
using EachMessage = std::function<void(const mailbox::MessageInfo& info, const mailbox::Details* details)>;
Task<Result<void>> walk_messages(const Searching& searching, const std::vector<mailbox::Uid>& uids, std::uint8_t want, EachMessage each);

}  // namespace godwit::imapd
