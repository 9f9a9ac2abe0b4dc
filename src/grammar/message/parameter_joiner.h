#pragma once
// RFC 2231 3 and 4: "name*0", "name*1*" ... are pieces of one parameter. Used by content_type alone; bounded by kMaxParameters pieces.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/message/content_type.h"

namespace godwit::message {

class ParameterJoiner {
 public:
  void add(std::string name, std::string value);  // as written, name in lower case; of equal names the first counts
  std::vector<Parameter> take();                  // in the order in which each first came

 private:
  struct Piece {
    std::string name;
    std::string value;
    std::uint32_t index = 0;
    bool continued = false;
    bool extended = false;
  };

  static Piece split(std::string name, std::string value);
  static Parameter join(std::vector<const Piece*> pieces);

  std::vector<Piece> pieces_;
};

}  // namespace godwit::message
