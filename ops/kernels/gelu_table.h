/* gelu_table.h - written by tools/gelu_table.py, which explains it */
#ifndef DP_OPS_KERNELS_GELU_TABLE_H
#define DP_OPS_KERNELS_GELU_TABLE_H

#define DP_GELU_SEGMENTS 16
#define DP_GELU_DEGREE   5
#define DP_GELU_WIDTH    0.390625f /* of a segment */

/* [power of u][segment] */
/* clang-format off */
static const float dp_gelu_table[DP_GELU_DEGREE + 1][DP_GELU_SEGMENTS] = {
    {0, 0x1.166e04p-3f, 0x1.5bb972p-3f, 0x1.217f28p-3f,
     0x1.7a2512p-4f, 0x1.967034p-5f, 0x1.6e8be4p-6f, 0x1.17feap-7f,
     0x1.6c2508p-9f, 0x1.945318p-11f, 0x1.7ff52ap-13f, 0x1.3830c2p-15f,
     0x1.b2fffap-18f, 0x1.03ce64p-20f, 0x1.0a244p-23f, 0},
    {0x1p-1f, 0x1.a111fep-3f, -0x1.9576e8p-7f, -0x1.d5a1ecp-4f,
     -0x1.ff3f9p-4f, -0x1.71cf8ep-4f, -0x1.9d25cep-5f, -0x1.7606f8p-6f,
     -0x1.1858f8p-7f, -0x1.5feebap-9f, -0x1.7477ecp-11f, -0x1.4dc7f8p-13f,
     -0x1.fc0456p-16f, -0x1.48fd2ap-18f, -0x1.6b284ep-21f, 0},
    {-0x1.9883c8p-2f, -0x1.5da058p-2f, -0x1.a2648p-3f, -0x1.01b6c2p-4f,
     0x1.a98948p-6f, 0x1.b8464p-5f, 0x1.6e2ab2p-5f, 0x1.a9df6cp-6f,
     0x1.808a7ap-7f, 0x1.1870e8p-8f, 0x1.50e184p-10f, 0x1.51078cp-12f,
     0x1.1acc32p-14f, 0x1.8ff0d8p-17f, 0x1.de4258p-20f, 0},
    {-0x1.4268ep-14f, 0x1.7b37fep-4f, 0x1.09c166p-3f, 0x1.a5e558p-4f,
     0x1.875d7cp-5f, 0x1.d4872p-9f, -0x1.e9187cp-7f, -0x1.ecd4a8p-7f,
     -0x1.296852p-7f, -0x1.093596p-8f, -0x1.74836p-10f, -0x1.a8231p-12f,
     -0x1.8db236p-14f, -0x1.361b84p-16f, -0x1.94cd6p-19f, 0},
    {0x1.145bf8p-4f, 0x1.725104p-5f, 0x1.6e2c76p-10f, -0x1.f87b88p-6f,
     -0x1.1c734cp-5f, -0x1.49a236p-6f, -0x1.3229e8p-8f, 0x1.7cfab8p-9f,
     0x1.fc2e18p-9f, 0x1.3d62dcp-9f, 0x1.15af46p-10f, 0x1.75b844p-12f,
     0x1.921a4cp-14f, 0x1.60fbfap-16f, 0x1.ffddf4p-19f, 0},
    {-0x1.56084ep-8f, -0x1.3e8f2ap-6f, -0x1.6a5dbap-6f, -0x1.32f4c6p-7f,
     0x1.1ac168p-8f, 0x1.267446p-7f, 0x1.906fb6p-8f, 0x1.e05602p-10f,
     -0x1.d22e3p-12f, -0x1.b5b298p-11f, -0x1.12f0d6p-11f, -0x1.cd266p-13f,
     -0x1.238fd4p-14f, -0x1.234f58p-16f, -0x1.d71cbep-19f, 0},
};
/* clang-format on */

#endif
