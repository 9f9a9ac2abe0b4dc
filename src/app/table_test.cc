#include "app/table.h"

#include <gtest/gtest.h>

#include "app/control_client.h"

namespace godwit::app {
namespace {

TEST(Table, Columns_AreAsWideAsTheirWidestCell) {
  Table table({"A", "B"});
  EXPECT_TRUE(table.empty());
  table.add({"größe", "x"});
  table.add({"1", "y"});
  EXPECT_EQ(table.text(), "A      B\ngröße  x\n1      y\n");
}

TEST(ControlClient, Segment_EncodesWhatIsNotUnreserved) { EXPECT_EQ(encode_segment("a b/c@d+é~"), "a%20b%2Fc%40d%2B%C3%A9~"); }

}  // namespace
}  // namespace godwit::app
