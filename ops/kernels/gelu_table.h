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
/* of the derivative */
static const float dp_gelu_slope_table[DP_GELU_DEGREE + 1][DP_GELU_SEGMENTS] = {
    {0x1p-1f, 0x1.a112p-3f, -0x1.9576dep-7f, -0x1.d5a1ecp-4f,
     -0x1.ff3f9p-4f, -0x1.71cf9p-4f, -0x1.9d25cep-5f, -0x1.7606f8p-6f,
     -0x1.1858f8p-7f, -0x1.5feeb8p-9f, -0x1.7477ecp-11f, -0x1.4dc7fep-13f,
     -0x1.fc0472p-16f, -0x1.48fd52p-18f, -0x1.6b28a6p-21f, 0},
    {-0x1.988452p-1f, -0x1.5da18p-1f, -0x1.a2633ep-2f, -0x1.01b0f8p-3f,
     0x1.a997ap-5f, 0x1.b84638p-4f, 0x1.6e2768p-4f, 0x1.a9da52p-5f,
     0x1.80872p-6f, 0x1.1871b2p-7f, 0x1.50ea1cp-9f, 0x1.511c9ap-11f,
     0x1.1aed72p-13f, 0x1.903edep-16f, 0x1.ded1c6p-19f, 0},
    {-0x1.84c316p-19f, 0x1.1c6994p-2f, 0x1.8ea1b8p-2f, 0x1.3c6c04p-2f,
     0x1.25869p-3f, 0x1.5f761cp-7f, -0x1.6ed232p-5f, -0x1.719fe8p-5f,
     -0x1.be1d2ep-6f, -0x1.8dd0e4p-7f, -0x1.176278p-8f, -0x1.3e1958p-10f,
     -0x1.2a4374p-12f, -0x1.d122ep-15f, -0x1.2f932ep-17f, 0},
    {0x1.1068dp-2f, 0x1.74d6ap-3f, 0x1.41edd8p-8f, -0x1.feccdap-4f,
     -0x1.1e68f8p-3f, -0x1.499c42p-4f, -0x1.2af682p-6f, 0x1.881f76p-7f,
     0x1.ffd5acp-7f, 0x1.3cf29cp-7f, 0x1.13566p-8f, 0x1.6ff86p-10f,
     0x1.89070cp-12f, 0x1.56570ep-14f, 0x1.ec4ed6p-17f, 0},
    {-0x1.2d2bacp-11f, -0x1.8df888p-4f, -0x1.c4bfeep-4f, -0x1.7fb44ap-5f,
     0x1.60f2fcp-6f, 0x1.6f84p-5f, 0x1.f47f68p-6f, 0x1.2c6facp-7f,
     -0x1.22997ap-9f, -0x1.116c8ep-8f, -0x1.57b1a6p-9f, -0x1.205984p-10f,
     -0x1.6cc0c2p-12f, -0x1.6c930cp-14f, -0x1.26e9dp-16f, 0},
    {-0x1.d9d3bep-5f, -0x1.08ae2ap-5f, 0x1.229aa6p-6f, 0x1.4b50cap-5f,
     0x1.9b25b6p-6f, -0x1.7ef05cp-13f, -0x1.79cb3p-7f, -0x1.2432d4p-7f,
     -0x1.7f362p-9f, 0x1.72f5c2p-12f, 0x1.ec7d1p-11f, 0x1.2d73ep-11f,
     0x1.dbae8ap-13f, 0x1.16e486p-14f, 0x1.002c94p-16f, 0},
};
/* clang-format on */

#endif
