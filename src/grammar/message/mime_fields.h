#pragma once
// The fields of one header that MIME and ENVELOPE ask for, picked out line by line. Used by mime and envelope; bounded: kMaxField bytes
// a field (addresses kMaxAddressField), kMaxHeaderFields fields, kMaxHeaderBytes bytes; what is beyond is passed over, and cut() says so.
//
// Of a field that stands there twice the first counts; addresses are joined with a comma (RFC 5322 4.5), so that nobody is shown a From
// that another reader does not see. Lines that are no fields are passed over (as HeaderScanner does). Line ends, stray CR and NUL
// are taken out of values.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace godwit::message {

enum class Field : std::uint8_t {
  content_type,
  encoding,
  id,
  description,
  disposition,
  language,
  location,
  md5,
  date,
  subject,
  from,
  sender,
  reply_to,
  to,
  cc,
  bcc,
  in_reply_to,
  message_id,
};
inline constexpr std::size_t kFieldCount = 18;

class FieldCollector {
 public:
  static constexpr std::size_t kMaxField = 32 * 1024;
  static constexpr std::size_t kMaxAddressField = 64 * 1024;  // what parse_address_list() takes
  static constexpr std::size_t kMaxHeaderFields = 10'000;
  static constexpr std::size_t kMaxHeaderBytes = 1024 * 1024;

  struct Value {
    std::string text;  // outer white space cut off
    bool present = false;
  };

  // A new header; `envelope`: the fields of ENVELOPE too, not those of MIME alone.
  void begin(bool envelope);
  void line(std::string_view line);  // without its end; not the empty one that ends the header
  void end();                        // before values are asked for

  const Value& operator[](Field field) const { return values_[static_cast<std::size_t>(field)]; }
  bool cut() const { return cut_; }
  void mark_cut() { cut_ = true; }  // a line did not come whole

 private:
  void begin_field(std::string_view name);
  void keep(std::string_view text);

  std::array<Value, kFieldCount> values_;
  Value* value_ = nullptr;  // of the current field; null: nobody asks for it
  std::size_t max_ = 0;
  bool in_field_ = false;
  bool envelope_ = false;
  bool cut_ = false;
  std::size_t fields_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace godwit::message
