#pragma once
// Any charset to UTF-8 (RFC 2045 5.1, RFC 2978), in pieces. What comes out is well-formed UTF-8 (RFC 3629) whatever goes in: bytes
// that mean nothing in the charset become U+FFFD.
//
// A charset is taken as mail uses its name: gb2312 is read as gb18030, ks_c_5601-1987 and euc-kr as windows-949, shift_jis as
// windows-31j, iso-8859-1 as windows-1252, us-ascii as UTF-8 (supersets, all of them). An unknown one: ASCII as it is, U+FFFD for every
// other byte. Never fails, does no I/O; memory is constant. One object for one text, owned by one caller; separate objects from any
// thread.

#include <memory>
#include <string>
#include <string_view>

namespace godwit::message {

class CharsetDecoder {
 public:
  static constexpr std::size_t kMaxName = 60;  // longer names are unknown

  explicit CharsetDecoder(std::string_view charset);
  ~CharsetDecoder();
  CharsetDecoder(CharsetDecoder&&) noexcept;
  CharsetDecoder& operator=(CharsetDecoder&&) noexcept;

  bool known() const;
  void feed(std::string_view bytes, std::string& out);  // appends at most 4 bytes for each that has come
  void finish(std::string& out);                        // a character cut off at the end becomes U+FFFD; feed nothing after it

 private:
  struct Converters;
  std::unique_ptr<Converters> converters_;  // null: the charset is unknown
};

bool is_known_charset(std::string_view charset);  // for BADCHARSET (RFC 3501 6.4.4)
std::string to_utf8(std::string_view bytes, std::string_view charset);

}  // namespace godwit::message
