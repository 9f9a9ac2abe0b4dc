#include "frontend/imapd/message_walk.h"

#include <algorithm>

namespace godwit::imapd {

std::vector<mailbox::UidRange> UidChunks::next(std::uint32_t most) {
  std::vector<mailbox::UidRange> out;
  while (most > 0 && at_ < ranges_.size()) {
    mailbox::UidRange& range = ranges_[at_];
    const std::uint32_t count = std::min(most - 1, range.last - range.first) + 1;
    out.push_back({range.first, range.first + (count - 1)});
    most -= count;
    if (out.back().last == range.last)
      ++at_;
    else
      range.first += count;
  }
  return out;
}

std::vector<mailbox::UidRange> ranges_of(std::span<const mailbox::Uid> ascending) {
  std::vector<mailbox::UidRange> out;
  for (const mailbox::Uid uid : ascending) {
    if (!out.empty() && out.back().last + 1 == uid)
      out.back().last = uid;
    else
      out.push_back({uid, uid});
  }
  return out;
}

DetailsBatch::Limits DetailsBatch::limits_of(std::uint8_t want) {
  if ((want & mailbox::Details::kStructure) != 0) return {32, 1 << 20, UINT64_MAX};
  if ((want & mailbox::Details::kEnvelope) != 0) return {200, 8 << 20, 128 * 1024};
  return {1'000, 8 << 20, 48 * 1024};
}

DetailsBatch::DetailsBatch(std::uint8_t want) : limits_(limits_of(want)) {}

bool DetailsBatch::add(std::uint64_t message_size) {
  if (messages_ == limits_.messages || bytes_ >= limits_.bytes) return false;
  ++messages_;
  bytes_ += std::min(message_size, limits_.bytes_each);
  return true;
}

Task<Result<void>> walk_messages(const Searching& searching, const std::vector<mailbox::Uid>& uids, std::uint8_t want, EachMessage each) {
  SearchPace pace(searching.stop);
  for (std::size_t at = 0; at < uids.size(); at += kRowsAtOnce) {
    const auto some = std::span(uids).subspan(at, std::min<std::size_t>(kRowsAtOnce, uids.size() - at));
    auto ranges = ranges_of(some);
    GODWIT_CO_ASSIGN(const auto infos, co_await searching.mailboxes.messages(searching.account, searching.mailbox, std::move(ranges)));
    for (std::size_t next = 0; next < infos.size();) {
      const std::size_t begin = next;
      DetailsBatch batch(want);
      std::vector<mailbox::EmailId> ids;
      while (next < infos.size() && batch.add(infos[next].size)) ids.push_back(infos[next++].email);
      if (want == 0) {
        for (std::size_t i = begin; i < next; ++i) each(infos[i], nullptr);
        continue;
      }
      GODWIT_CO_ASSIGN(const auto details, co_await searching.mailboxes.details(searching.account, std::move(ids), want));
      for (std::size_t i = begin; i < next; ++i) each(infos[i], details[i - begin] ? &*details[i - begin] : nullptr);
      GODWIT_CO_TRY(co_await pace.rest());
    }
    GODWIT_CO_TRY(co_await pace.rest());
  }
  co_return Result<void>{};
}

}  // namespace godwit::imapd
