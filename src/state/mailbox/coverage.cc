#include "state/mailbox/coverage.h"

#include <iterator>

namespace godwit::mailbox {

void Coverage::split(std::uint64_t uid) {
  const auto behind = from_.upper_bound(uid);
  from_.try_emplace(uid, behind == from_.begin() ? Modseq{0} : std::prev(behind)->second);
}

void Coverage::add(std::span<const UidRange> uids, Modseq modseq) {
  for (const UidRange& each : uids) {
    const std::uint64_t behind = std::uint64_t{each.last} + 1;
    split(each.first);
    split(behind);
    from_.erase(std::next(from_.find(each.first)), from_.find(behind));
    from_[each.first] = modseq;
  }
}

Modseq Coverage::at(Uid uid) const {
  const auto behind = from_.upper_bound(uid);
  return behind == from_.begin() ? 0 : std::prev(behind)->second;
}

}  // namespace godwit::mailbox
