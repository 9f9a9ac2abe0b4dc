#include "frontend/imapd/decoding_place.h"

#include <utility>

namespace godwit::imapd {

std::optional<DecodingPlace::State> DecodingPlace::find(const mailbox::Email& email, const Located& located, std::uint64_t offset) const {
  const bool same = state_ && email.blob == blob_ && email.size() == size_ && located == located_;
  if (!same || state_->produced > offset) return std::nullopt;
  return state_;
}

void DecodingPlace::keep(const mailbox::Email& email, const Located& located, State state) {
  blob_ = email.blob;
  size_ = email.size();
  located_ = located;
  state_ = std::move(state);
}

}  // namespace godwit::imapd
