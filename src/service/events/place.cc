#include "service/events/place.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/encoding.h"

namespace godwit::events {
namespace {

// on disk: do not change (docs/formats/events.md)
constexpr std::string_view kMagic = "GWEVPOS1";
constexpr std::size_t kSlot = 32;  // magic, turn, segment, offset, CRC-32C of these, zero

std::string slot_of(std::uint64_t turn, Position position) {
  std::string out(kMagic);
  append_be64(out, turn);
  append_be32(out, position.segment);
  append_be32(out, position.offset);
  append_be32(out, crc32c(out));
  append_be32(out, 0);
  return out;
}

}  // namespace

Result<std::unique_ptr<Place>> Place::open(store::Disk& disk, const std::string& path) {
  GODWIT_ASSIGN(auto file, disk.open(path, store::Disk::Open::create_or_open));
  std::string bytes(2 * kSlot, '\0');
  GODWIT_ASSIGN(const std::size_t count, file->read_at(0, bytes));
  std::unique_ptr<Place> place(new Place(std::move(file)));
  for (std::size_t at = 0; at + kSlot <= count; at += kSlot) {
    const std::string_view slot = std::string_view(bytes).substr(at, kSlot);
    if (!slot.starts_with(kMagic) || crc32c(slot.substr(0, 24)) != read_be32(slot.substr(24))) continue;
    const std::uint64_t turn = read_be64(slot.substr(8));
    if (place->position_ && turn < place->turn_) continue;
    place->turn_ = turn;
    place->position_ = {read_be32(slot.substr(16)), read_be32(slot.substr(20))};
  }
  return place;
}

Result<void> Place::save(Position position) {
  ++turn_;
  GODWIT_TRY(file_->write_at(turn_ % 2 * kSlot, slot_of(turn_, position)));
  position_ = position;
  return {};
}

std::string place_name(std::string_view sink) {
  std::string out = "sink-";
  for (const char c : sink) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    if (plain)
      out += c;
    else
      out += fmt::format("%{:02x}", static_cast<unsigned char>(c));
  }
  return out + ".pos";
}

}  // namespace godwit::events
