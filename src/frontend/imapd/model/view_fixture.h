#pragma once
// A selected mailbox as a real client keeps it: built from nothing but what the server has said (RFC 9051 7, RFC 7162 6). Each function
// that takes a response returns what is wrong with it, "" if nothing is. For the model test alone.

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/bytes.h"
#include "frontend/imapd/model/response_fixture.h"
#include "state/mailbox/email.h"

namespace godwit::imapd::model {

using mailbox::Modseq;
using mailbox::Uid;

// Flags as bits: those of the system as the store has them, then keywords.
using Bits = std::uint16_t;
inline constexpr std::array<std::string_view, 9> kFlagNames = {"\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft",
                                                               "$Work",  "later",      "Junk",      "NonJunk"};
inline constexpr Bits kSeenBit = mailbox::kSeen;
inline constexpr Bits kDeletedBit = mailbox::kDeleted;
inline constexpr Bits kSystemBits = 0x1f;
inline constexpr Bits kAllBits = 0x1ff;

inline std::optional<Bits> bit_of(std::string_view name) {
  for (std::size_t i = 0; i < kFlagNames.size(); ++i)
    if (ascii_iequals(kFlagNames[i], name)) return static_cast<Bits>(1u << i);
  return std::nullopt;
}
// Nothing: one of them is none of ours. \Recent and \* are passed over.
inline std::optional<Bits> bits_of(const Value& list) {
  Bits out = 0;
  for (const auto& each : list.items) {
    if (ascii_iequals(each.text, "\\Recent") || each.text == "\\*") continue;
    const auto bit = bit_of(each.text);
    if (!bit) return std::nullopt;
    out |= *bit;
  }
  return out;
}
inline std::string text_of(Bits flags) {
  std::string out;
  for (std::size_t i = 0; i < kFlagNames.size(); ++i) {
    if ((flags & 1u << i) == 0) continue;
    if (!out.empty()) out += ' ';
    out += kFlagNames[i];
  }
  return '(' + out + ')';
}

struct Slot {   // a message number
  Uid uid = 0;  // 0: not known
  std::optional<Bits> flags;
  Modseq modseq = 0;   // 0: not told
  bool stale = false;  // ADR 13: a power cut took back the flags that the client was told; it hears at the message's next change
};

struct Fetched {
  Uid uid = 0;
  std::optional<Bits> flags;
  Modseq modseq = 0;
  std::optional<std::string> body;
  std::string date;
  std::uint64_t size = 0;
};

class View {
 public:
  std::string name;
  std::uint32_t uid_validity = 0;
  bool read_only = false;
  std::vector<Slot> slots;
  Modseq highest = 0;        // RFC 7162 6: up to here the client knows all
  Bits keywords = kAllBits;  // that stood in FLAGS

  std::string exists(std::uint32_t count) {
    if (count < slots.size()) return "EXISTS takes messages away";
    slots.resize(count);
    return "";
  }

  std::string expunge(std::uint32_t number) {
    if (number == 0 || number > slots.size()) return "EXPUNGE of a number that there is not";
    slots.erase(slots.begin() + (number - 1));
    return "";
  }

  // RFC 7162 3.2.10.2: each of them is one message less.
  std::string vanished(const std::vector<Uid>& uids) {
    for (const Uid uid : uids) {
      auto at = std::ranges::find(slots, uid, &Slot::uid);
      if (at == slots.end()) {
        const auto above = std::ranges::find_if(slots, [uid](const Slot& slot) { return slot.uid > uid; });
        if (above == slots.begin() || std::prev(above)->uid != 0) return "VANISHED of UID " + std::to_string(uid) + ", which is not there";
        at = std::prev(above);
      }
      slots.erase(at);
    }
    return "";
  }

  std::string fetch(std::uint32_t number, const Fetched& fetched) {
    if (number == 0 || number > slots.size()) return "FETCH of a number that there is not";
    if (fetched.uid != 0) {
      if (auto wrong = number_is(number, fetched.uid); !wrong.empty()) return wrong;
    }
    Slot& slot = slots[number - 1];
    if (fetched.modseq != 0 && fetched.modseq < slot.modseq && !slot.stale) return "the MODSEQ of a message goes back";
    if (fetched.modseq != 0) slot.modseq = fetched.modseq;
    if (!fetched.flags) return "";
    if ((*fetched.flags & ~keywords) != 0) return "a keyword that did not stand in FLAGS";
    slot.flags = fetched.flags;
    slot.stale = false;
    return "";
  }

  // The numbers of all messages are these, as UID SEARCH ALL tells.
  std::string number_all(const std::vector<Uid>& uids) {
    if (uids.size() != slots.size()) return "UID SEARCH ALL finds another number of messages than EXISTS said";
    for (std::size_t i = 0; i < uids.size(); ++i) {
      if (auto wrong = number_is(static_cast<std::uint32_t>(i + 1), uids[i]); !wrong.empty()) return wrong;
    }
    return "";
  }

  // RFC 7162 3.2.5: what the client knew lies in front, as far as nothing was missing; VANISHED (EARLIER) takes from it before any FETCH.
  void begin_resync(const View& cached) {
    resyncing_ = true;
    cached_validity_ = cached.uid_validity;
    old_.assign(cached.slots.begin(), cached.slots.begin() + static_cast<std::ptrdiff_t>(cached.complete()));
  }
  void vanished_earlier(const std::vector<Uid>& uids) {
    const std::set<Uid> gone(uids.begin(), uids.end());
    std::erase_if(old_, [&](const Slot& slot) { return gone.contains(slot.uid); });
  }
  std::string lay_out() {
    if (!std::exchange(resyncing_, false)) return "";
    if (cached_validity_ != uid_validity) return "";
    if (old_.size() > slots.size()) return "QRESYNC leaves more messages than EXISTS said";
    std::ranges::copy(old_, slots.begin());
    return "";
  }

  // How many messages from the first on are known, with UID and flags.
  std::size_t complete() const {
    const auto end = std::ranges::find_if(slots, [](const Slot& slot) { return slot.uid == 0 || !slot.flags; });
    return static_cast<std::size_t>(end - slots.begin());
  }
  std::vector<Uid> known_uids() const {
    std::vector<Uid> out;
    for (const Slot& slot : slots)
      if (slot.uid != 0) out.push_back(slot.uid);
    return out;
  }
  Slot* find(Uid uid) {
    const auto at = std::ranges::find(slots, uid, &Slot::uid);
    return at == slots.end() ? nullptr : &*at;
  }

 private:
  // RFC 9051 2.3.1.1: UIDs ascend with the numbers.
  std::string number_is(std::uint32_t number, Uid uid) {
    Slot& slot = slots[number - 1];
    if (slot.uid == uid) return "";
    if (slot.uid != 0) return "message " + std::to_string(number) + " was UID " + std::to_string(slot.uid) + ", now " + std::to_string(uid);
    for (std::size_t i = 0; i < slots.size(); ++i) {
      const bool wrong = slots[i].uid != 0 && (i < number - 1 ? slots[i].uid >= uid : slots[i].uid <= uid);
      if (wrong) return "UIDs do not ascend: message " + std::to_string(number) + " is UID " + std::to_string(uid);
    }
    slot.uid = uid;
    return "";
  }

  bool resyncing_ = false;
  std::uint32_t cached_validity_ = 0;
  std::vector<Slot> old_;
};

}  // namespace godwit::imapd::model
