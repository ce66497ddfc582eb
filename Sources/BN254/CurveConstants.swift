// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Constants of the curve, in Montgomery form. The tests derive each of them again.
package enum CurveConstants {
    /// u, the parameter from which the order and the modulus of the curve are computed.
    package static let parameter: UInt64 = 0x44E9_92B4_4A69_09F1

    /// The digits of 6u + 2 in non-adjacent form, least significant first.
    package static let ateLoopDigits: [Int8] = [
        0, 0, 0, 1, 0, 1, 0, -1, 0, 0, -1, 0, 0, 0, 1, 0, 0, -1, 0, -1, 0, 0,
        0, 1, 0, -1, 0, 0, 0, 0, -1, 0, 0, 1, 0, -1, 0, 0, 1, 0, 0, 0, 0, 0,
        -1, 0, 0, -1, 0, 1, 0, -1, 0, 0, 0, -1, 0, -1, 0, 0, 0, 1, 0, -1, 0, 1,
    ]

    /// The digits of u, odd and within -7...7 where they are not zero, least significant first.
    package static let parameterDigits: [Int8] = [
        1, 0, 0, 0, -1, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, -7, 0, 0, 0, 7, 0,
        0, 0, 0, 5, 0, 0, 0, 0, 1, 0, 0, 0, -3, 0, 0, 0, -5, 0, 0, 0, 5, 0,
        0, 0, 0, 3, 0, 0, 0, -3, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 1,
    ]

    /// The cube root of one by which G1 is multiplied where x is multiplied with
    /// `frobeniusTwice2`: -(36u^3 + 18u^2 + 6u + 2).
    @inline(__always)
    package static var lambda: Fr {
        Fr(
            0x0363_F299_55FC_D653, 0x73E7_950B_5FC1_E200,
            0xC5FC_E83E_576D_9D24, 0x059C_805D_A1C3_A4D4)
    }

    /// The constant of the curve y^2 = x^3 + 3.
    @inline(__always)
    package static var coefficient: Fp {
        Fp(
            0x7A17_CAA9_50AD_28D7, 0x1F6A_C17A_E155_21B9,
            0x334B_EA4E_696B_D284, 0x2A1F_6744_CE17_9D8E)
    }

    /// The constant of the twist y^2 = x^3 + 3 / (9 + u).
    @inline(__always)
    package static var twistCoefficient: Fp2 {
        Fp2(
            c0: Fp(
                0x3BF9_38E3_77B8_02A8, 0x020B_1B27_3633_535D,
                0x26B7_EDF0_4975_5260, 0x2514_C632_4384_A86D),
            c1: Fp(
                0x38E7_ECCC_D1DC_FF67, 0x65F0_B37D_93CE_0D3E,
                0xD749_D0DD_22AC_00AA, 0x0141_B9CE_4A68_8D4D))
    }

    /// (9 + u) to the power of (p - 1) / 6.
    @inline(__always)
    package static var frobeniusOnce1: Fp2 {
        Fp2(
            c0: Fp(
                0xAF9B_A696_3314_4907, 0xCA6B_1D73_87AF_B78A,
                0x11BD_ED5E_F08A_2087, 0x02F3_4D75_1A1F_3A7C),
            c1: Fp(
                0xA222_AE23_4C49_2D72, 0xD00F_02A4_565D_E15B,
                0xDC2F_F3A2_53DF_C926, 0x10A7_5716_B389_9551))
    }

    /// (9 + u) to the power of 2 (p - 1) / 6.
    @inline(__always)
    package static var frobeniusOnce2: Fp2 {
        Fp2(
            c0: Fp(
                0xB577_3B10_4563_AB30, 0x347F_91C8_A9AA_6454,
                0x7A00_7127_242E_0991, 0x1956_BCD8_1182_14EC),
            c1: Fp(
                0x6E84_9F1E_A0AA_4757, 0xAA1C_7B6D_89F8_9141,
                0xB6E7_13CD_FAE0_CA3A, 0x2669_4FBB_4E82_EBC3))
    }

    /// (9 + u) to the power of 3 (p - 1) / 6.
    @inline(__always)
    package static var frobeniusOnce3: Fp2 {
        Fp2(
            c0: Fp(
                0xE4BB_DD0C_2936_B629, 0xBB30_F162_E133_BACB,
                0x31A9_D1B6_F964_5366, 0x2535_70BE_A500_F8DD),
            c1: Fp(
                0xA1D7_7CE4_5FFE_77C7, 0x07AF_FD11_7826_D1DB,
                0x6D16_BD27_BB7E_DC6B, 0x2C87_2002_85DE_FECC))
    }

    /// (9 + u) to the power of 4 (p - 1) / 6.
    @inline(__always)
    package static var frobeniusOnce4: Fp2 {
        Fp2(
            c0: Fp(
                0x7361_D77F_843A_BE92, 0xA5BB_2BD3_2734_11FB,
                0x9C94_1F31_4B3E_2399, 0x15DF_9CDD_BB9F_D3EC),
            c1: Fp(
                0x5DDD_FD15_4BD8_C949, 0x62CB_29A5_A444_5B60,
                0x37BC_870A_0C7D_D2B9, 0x2483_0A9D_3171_F0FD))
    }

    /// (9 + u) to the power of 5 (p - 1) / 6.
    @inline(__always)
    package static var frobeniusOnce5: Fp2 {
        Fp2(
            c0: Fp(
                0xC970_692F_4169_0FE7, 0xE240_3421_2769_4B0B,
                0x32BE_E66B_83C4_59E8, 0x12AA_BCED_0AB0_8841),
            c1: Fp(
                0x0D48_5D23_40AE_BFA9, 0x0519_3418_AB2F_CC57,
                0xD3B0_A40B_8A49_10F5, 0x2F21_EBB5_35D2_925A))
    }

    /// (9 + u) to the power of (p^2 - 1) / 6.
    @inline(__always)
    package static var frobeniusTwice1: Fp {
        Fp(
            0xCA8D_8005_00FA_1BF2, 0xF0C5_D614_68B3_9769,
            0x0E20_1271_AD0D_4418, 0x0429_0F65_BAD8_56E6)
    }

    /// (9 + u) to the power of 2 (p^2 - 1) / 6.
    @inline(__always)
    package static var frobeniusTwice2: Fp {
        Fp(
            0x3350_C88E_13E8_0B9C, 0x7DCE_557C_DB5E_56B9,
            0x6001_B4B8_B615_564A, 0x2682_E617_0202_17E0)
    }

    /// (9 + u) to the power of 3 (p^2 - 1) / 6.
    @inline(__always)
    package static var frobeniusTwice3: Fp {
        Fp(
            0x68C3_4889_12ED_EFAA, 0x8D08_7F68_72AA_BF4F,
            0x51E1_A247_0908_1231, 0x2259_D6B1_4729_C0FA)
    }

    /// (9 + u) to the power of 4 (p^2 - 1) / 6.
    @inline(__always)
    package static var frobeniusTwice4: Fp {
        Fp(
            0x7193_0C11_D782_E155, 0xA6BB_947C_FFBE_3323,
            0xAA30_3344_D474_1444, 0x2C3B_3F0D_2659_4943)
    }

    /// (9 + u) to the power of 5 (p^2 - 1) / 6.
    @inline(__always)
    package static var frobeniusTwice5: Fp {
        Fp(
            0x08CF_C388_C494_F1AB, 0x19B3_1514_8D13_73D4,
            0x584E_90FD_CB6C_0213, 0x09E1_685B_DF2F_8849)
    }

    /// (9 + u) to the power of (p^3 - 1) / 6.
    @inline(__always)
    package static var frobeniusThrice1: Fp2 {
        Fp2(
            c0: Fp(
                0x3653_1618_4E46_D97D, 0x0AF7_129E_D4C9_6D9F,
                0x659D_A72F_CA10_09B5, 0x0811_6D89_83A2_0D23),
            c1: Fp(
                0xB1DF_4AF7_C39C_1939, 0x3D9F_0287_8A73_BF7F,
                0x9B22_2092_8CAF_0AE0, 0x2668_4515_EFF0_54A6))
    }

    /// (9 + u) to the power of 2 (p^3 - 1) / 6.
    @inline(__always)
    package static var frobeniusThrice2: Fp2 {
        Fp2(
            c0: Fp(
                0xC9AF_22F7_16AD_6BAD, 0xB311_782A_4AA6_62B2,
                0x19EE_AF64_E248_C7F4, 0x2027_3E77_E343_9F82),
            c1: Fp(
                0xACC0_2860_F7CE_93AC, 0x3933_D581_7BA7_6B4C,
                0x69E6_188B_446C_8467, 0x0A46_036D_4417_CC55))
    }

    /// (9 + u) to the power of 3 (p^3 - 1) / 6.
    @inline(__always)
    package static var frobeniusThrice3: Fp2 {
        Fp2(
            c0: Fp(
                0x5764_AF0A_AF46_471E, 0xDC50_792E_873E_0FC1,
                0x86A6_73FF_881D_04F6, 0x0B2E_DDB4_3C30_A74C),
            c1: Fp(
                0x9A49_0F32_787E_8580, 0x8FD1_6D7F_F04A_F8B1,
                0x4B39_888E_C602_7BF2, 0x03DD_2E70_5B52_A15D))
    }

    /// (9 + u) to the power of 4 (p^3 - 1) / 6.
    @inline(__always)
    package static var frobeniusThrice4: Fp2 {
        Fp2(
            c0: Fp(
                0x448A_93A5_7B67_62DF, 0xBFD6_2DF5_28FD_EADF,
                0xD858_F5D0_0E9B_D47A, 0x06B0_3D4D_3476_EC58),
            c1: Fp(
                0x2B19_DAF4_BCC9_36D1, 0xA1A5_4E7A_56F4_299F,
                0xB533_EEE0_5ADE_AEF1, 0x170C_812B_84DD_A0B2))
    }

    /// (9 + u) to the power of 5 (p^3 - 1) / 6.
    @inline(__always)
    package static var frobeniusThrice5: Fp2 {
        Fp2(
            c0: Fp(
                0xE0BC_4B22_75CF_559F, 0xC238_B945_C154_E60F,
                0x8039_82A5_929A_7D5E, 0x15CE_052D_F7E4_A37E),
            c1: Fp(
                0x2D28_EFBD_BF37_99A7, 0x9B09_7E3C_1AD6_0773,
                0x982D_4113_AF4A_535B, 0x24E1_8991_E305_6063))
    }
}
