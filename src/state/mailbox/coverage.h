#pragma once
// Which UIDs of a mailbox the log names, and under which modseq at last. For verify and rebuild; a value.

#include <map>
#include <span>

#include "state/mailbox/email.h"
#include "state/mailbox/uid_set.h"

namespace godwit::mailbox {

class Coverage {
 public:
  // In the order of the modseqs.
  void add(std::span<const UidRange> uids, Modseq modseq);
  Modseq at(Uid uid) const;  // 0: it is not named

 private:
  void split(std::uint64_t uid);

  std::map<std::uint64_t, Modseq> from_;  // from here to the next one
};

}  // namespace godwit::mailbox
